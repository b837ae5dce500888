-- For DuckDB, with customers and purchases as views of the Parquet files.

-- First purchase in January
SELECT customer_id FROM customers
WHERE first_purchase BETWEEN DATE '1997-01-01' AND DATE '1997-01-31';

-- Repeat buyers of the second quarter
SELECT customer_id FROM purchases
WHERE purchased_at >= TIMESTAMP '1997-04-01' AND purchased_at < TIMESTAMP '1997-07-01'
GROUP BY customer_id HAVING count(DISTINCT CAST(purchased_at AS date)) >= 2;

-- Bought last month
SELECT DISTINCT customer_id FROM purchases
WHERE purchased_at >= TIMESTAMP '1998-06-01' AND purchased_at < TIMESTAMP '1998-07-01';

-- Quiet for a year
SELECT customer_id FROM purchases GROUP BY customer_id
HAVING max(purchased_at) <= TIMESTAMP '1998-07-01' - INTERVAL 365 DAY;

-- Came back after half a year
SELECT customer_id FROM purchases GROUP BY customer_id
HAVING count(*) FILTER (purchased_at >= TIMESTAMP '1997-07-01' AND purchased_at < TIMESTAMP '1998-01-01') = 0
   AND count(*) FILTER (purchased_at >= TIMESTAMP '1998-01-01') > 0;

-- Spent 100 in 1998
SELECT customer_id FROM purchases
WHERE purchased_at >= TIMESTAMP '1998-01-01' GROUP BY customer_id HAVING sum(amount) >= 100;

-- On 20 different days
SELECT customer_id FROM purchases
GROUP BY customer_id HAVING count(DISTINCT CAST(purchased_at AS date)) >= 20;
