"""DuckDB, on the Parquet files and on tables of its own.

Where there are many queries, two connections send them, which keeps both threads busy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from . import sql
from .data import CATEGORIES, Data
from .measure import THREADS, Job
from .rules import Rule

Members = list[np.ndarray]
Columns = dict[str, np.ndarray]
Form = Callable[[Job], Members]
Connection = duckdb.DuckDBPyConnection


def load(data: Data, file: Path) -> dict[str, float]:
    """Makes the tables of its own, in the order of time and by category; what each took."""
    took = {}
    with duckdb.connect(str(file), config={"threads": THREADS}) as connection:
        connection.execute(f"CREATE TYPE kind AS ENUM {tuple(CATEGORIES)}")
        connection.execute(f"CREATE TABLE users AS FROM '{data.users_file}'")
        narrow = "SELECT * REPLACE (category::kind AS category)"
        by_category = f"{narrow} FROM '{data.events_file}' ORDER BY category, transaction_date"
        queries = {"events": f"FROM '{data.events_file}'", "events_by_category": by_category}
        for table, query in queries.items():
            start = time.perf_counter()
            connection.execute(f"CREATE TABLE {table} AS {query}")
            connection.execute("CHECKPOINT")
            took[table] = time.perf_counter() - start
    return took


def _connect(data: Data, tables: Path | None, events: str = "events") -> Connection:
    """A connection that has `users` and `events`, and room for tables in memory."""
    connection = duckdb.connect(config={"threads": THREADS})
    users_from, events_from = f"'{data.users_file}'", f"'{data.events_file}'"
    if tables:
        connection.execute(f"ATTACH '{tables}' AS own (READ_ONLY)")
        users_from, events_from = "own.users", f"own.{events}"
    connection.execute(f"CREATE VIEW users AS FROM {users_from}")
    connection.execute(f"CREATE VIEW events AS FROM {events_from}")
    connection.execute(f"CREATE TYPE kind AS ENUM {tuple(CATEGORIES)}")
    return connection


def _fetch_each(connection: Connection, queries: list[str]) -> list[Columns]:
    """The columns of each query's rows."""
    local = threading.local()

    def fetch(query: str) -> Columns:
        if not hasattr(local, "cursor"):
            local.cursor = connection.cursor()
        columns: Columns = local.cursor.execute(query).fetchnumpy()
        return columns

    with ThreadPoolExecutor(min(THREADS, len(queries))) as pool:
        return list(pool.map(fetch, queries))


def _rule_by_rule(job: Job, tables: Path | None, events: str = "events") -> Members:
    connection = _connect(job.data, tables, events)
    answers = _fetch_each(connection, [sql.rule_query(rule) for rule in job.rules])
    return [answer["user_id"] for answer in answers]


def _one_query(job: Job, tables: Path | None) -> Members:
    columns: Any = _connect(job.data, tables).execute(sql.one_query(job.rules)).fetchnumpy()
    return [columns["user_id"][columns[f"r{number}"]] for number in range(len(job.rules))]


def _features_first(job: Job, tables: Path | None) -> Members:
    connection = _connect(job.data, tables)
    with job.part("feature table"):
        buckets = sql.bucket_of_hours(job.rules)
        connection.execute(
            """CREATE TABLE hours AS
               SELECT unnest(range(?)) AS hour, unnest(?::USMALLINT[]) AS bucket""",
            [len(buckets), buckets],
        )
        connection.execute(sql.feature_table(job.rules, "category::kind"))
    place = {edge: number for number, edge in enumerate(sql.edges_of(job.rules))}

    def query(rules: list[Rule]) -> str:
        return sql.feature_query(rules, place[rules[0].metric.hours])

    return _grouped(connection, job.rules, query)


def _narrowed_first(job: Job, tables: Path | None) -> Members:
    connection = _connect(job.data, tables)
    with job.part("narrowed table"):
        connection.execute(sql.narrowed_table(job.rules, "category::kind"))
    return _grouped(connection, job.rules, sql.narrowed_query)


def _grouped(
    connection: Connection, rules: list[Rule], query: Callable[[list[Rule]], str]
) -> Members:
    """The members of all rules, asked for by groups."""
    groups = sql.groups(rules)
    queries = [query([rules[number] for number in group]) for group in groups]
    members: Members = [np.empty(0)] * len(rules)
    for group, columns in zip(groups, _fetch_each(connection, queries), strict=True):
        keys = columns["user_id"]
        for at, number in enumerate(group):
            members[number] = keys if len(group) == 1 else keys[columns[f"r{at}"]]
    return members


def forms(tables: Path) -> dict[str, Form]:
    """By name. Those on tables of its own need the file that `load` makes."""
    kinds = {
        "rules": _rule_by_rule,
        "one": _one_query,
        "features": _features_first,
        "narrowed": _narrowed_first,
    }
    named: dict[str, Form] = {}
    for name, form in kinds.items():
        named[f"duckdb {name}"] = partial(form, tables=None)
        named[f"duckdb own {name}"] = partial(form, tables=tables)
    clustered = partial(_rule_by_rule, tables=tables, events="events_by_category")
    return {**named, "duckdb own clustered": clustered}
