-- For DuckDB, with customers and purchases as views of the Parquet files.

-- Lapsed big spenders
SELECT customer_id FROM purchases GROUP BY customer_id
HAVING sum(amount) > 250 AND max(purchased_at) < TIMESTAMP '1998-01-02';

-- Average basket of at least 50
SELECT customer_id FROM purchases
GROUP BY customer_id HAVING sum(amount) >= 50 * count(*);

-- Average is exactly 14.99
SELECT customer_id FROM purchases
GROUP BY customer_id HAVING sum(amount) = 14.99 * count(*);

-- A purchase of 10 discs for less than 100
SELECT DISTINCT customer_id FROM purchases
WHERE cds >= 10 AND amount < 100;

-- Best purchase of 500 or more
SELECT customer_id FROM purchases
GROUP BY customer_id HAVING max(amount) >= 500;

-- First purchase bigger than the last
WITH edges AS (
  SELECT *, min(purchased_at) OVER w AS opening, max(purchased_at) OVER w AS closing
  FROM purchases WINDOW w AS (PARTITION BY customer_id)
)
SELECT customer_id FROM edges GROUP BY customer_id
HAVING min(amount) FILTER (purchased_at = opening) >= 100 AND max(amount) FILTER (purchased_at = closing) < 50;

-- Something for nothing
SELECT customer_id FROM purchases
GROUP BY customer_id HAVING min(amount) = 0;
