-- For DuckDB, with customers and purchases as views of the Parquet files.

-- Everyone
SELECT customer_id FROM customers;

-- Nobody
SELECT customer_id FROM customers WHERE false;

-- January
SELECT customer_id FROM customers WHERE first_purchase < DATE '1997-02-01';

-- Repeat
SELECT customer_id FROM purchases
WHERE purchased_at >= TIMESTAMP '1997-04-01' AND purchased_at < TIMESTAMP '1997-07-01'
GROUP BY customer_id HAVING count(DISTINCT CAST(purchased_at AS date)) >= 2;

-- January and repeat
SELECT customer_id FROM customers WHERE first_purchase < DATE '1997-02-01'
INTERSECT
SELECT customer_id FROM purchases
WHERE purchased_at >= TIMESTAMP '1997-04-01' AND purchased_at < TIMESTAMP '1997-07-01'
GROUP BY customer_id HAVING count(DISTINCT CAST(purchased_at AS date)) >= 2;

-- January or repeat
SELECT customer_id FROM customers WHERE first_purchase < DATE '1997-02-01'
UNION
SELECT customer_id FROM purchases
WHERE purchased_at >= TIMESTAMP '1997-04-01' AND purchased_at < TIMESTAMP '1997-07-01'
GROUP BY customer_id HAVING count(DISTINCT CAST(purchased_at AS date)) >= 2;

-- January, not repeat
SELECT customer_id FROM customers WHERE first_purchase < DATE '1997-02-01'
EXCEPT
SELECT customer_id FROM purchases
WHERE purchased_at >= TIMESTAMP '1997-04-01' AND purchased_at < TIMESTAMP '1997-07-01'
GROUP BY customer_id HAVING count(DISTINCT CAST(purchased_at AS date)) >= 2;

-- Neither
SELECT customer_id FROM customers
EXCEPT
(SELECT customer_id FROM customers WHERE first_purchase < DATE '1997-02-01'
UNION
SELECT customer_id FROM purchases
WHERE purchased_at >= TIMESTAMP '1997-04-01' AND purchased_at < TIMESTAMP '1997-07-01'
GROUP BY customer_id HAVING count(DISTINCT CAST(purchased_at AS date)) >= 2);

-- Largest spender
SELECT customer_id FROM purchases
GROUP BY customer_id HAVING sum(amount) > 10000;
