"""The same rules on Segmentry, DuckDB, Polars, DataFusion and Spark: `make compare`."""
