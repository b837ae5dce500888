"""DataFusion by itself, as its Python package has it, on the Parquet files."""

from __future__ import annotations

from collections.abc import Callable

import datafusion
import numpy as np

from . import sql
from .measure import THREADS, Job

Members = list[np.ndarray]


def _connect(job: Job) -> datafusion.SessionContext:
    config = datafusion.SessionConfig().with_target_partitions(THREADS)
    # Else a threshold is a double, and an amount that is equal to it may not be at least as much.
    config = config.set("datafusion.sql_parser.parse_float_as_decimal", "true")
    context = datafusion.SessionContext(config)
    context.register_parquet("users", job.data.users_file)
    context.register_parquet("events", job.data.events_file)
    return context


def _rule_by_rule(job: Job) -> Members:
    context = _connect(job)
    tables = [context.sql(sql.rule_query(rule)).to_arrow_table() for rule in job.rules]
    return [table["user_id"].to_numpy() for table in tables]


def _narrowed_first(job: Job) -> Members:
    """As for DuckDB, in memory."""
    context = _connect(job)
    with job.part("narrowed table"):
        context.sql(sql.narrowed_table(job.rules)).collect()
    groups = sql.groups(job.rules)
    members: Members = [np.empty(0)] * len(job.rules)
    for group in groups:
        query = sql.narrowed_query([job.rules[number] for number in group])
        table = context.sql(query).to_arrow_table()
        for at, number in enumerate(group):
            its = table if len(group) == 1 else table.filter(table[f"r{at}"])
            members[number] = its["user_id"].to_numpy()
    return members


def forms() -> dict[str, Callable[[Job], Members]]:
    """By name."""
    return {"datafusion rules": _rule_by_rule, "datafusion narrowed": _narrowed_first}
