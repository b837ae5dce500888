"""Runs SQL in DuckDB for the differential tests.

Reads one job a line from standard input, answers it with one line of JSON on standard output:

    {"tables": [[name, file, columns]], "segments": [[name, key, keys]], "queries": [sql]}
    {"answers": [{"keys": [..]} or {"error": "..."}]}
"""

import json
import sys


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def connect(duckdb, job):
    connection = duckdb.connect(config={"threads": 2})
    # What is generated must not lean on the zone of the session.
    connection.execute("SET TimeZone = 'Pacific/Chatham'")
    for name, file, columns in job["tables"]:
        source = f"SELECT {', '.join(columns)} FROM read_parquet(?)"
        connection.execute(f"CREATE TABLE {quoted(name)} AS {source}", [file])
    for name, key, type_, keys in job["segments"]:
        rows = f"SELECT unnest(?::{type_}[]) AS {quoted(key)}"
        connection.execute(f"CREATE TABLE {quoted(name)} AS {rows}", [keys])
    return connection


def answer(duckdb, connection, sql):
    try:
        return {"keys": [row[0] for row in connection.execute(sql).fetchall()]}
    except duckdb.Error as error:
        return {"error": str(error)}


def main():
    try:
        import duckdb
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    print(json.dumps({"version": duckdb.__version__}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        connection = connect(duckdb, job)
        answers = [answer(duckdb, connection, sql) for sql in job["queries"]]
        connection.close()
        print(json.dumps({"answers": answers}), flush=True)


main()
