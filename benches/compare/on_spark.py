"""Spark in one process, `local[2]`, warm: it has run other rules before it is timed.

Measured on 2 million events, the time of a rule went down until about forty had been run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from pyspark.sql import SparkSession

from . import sql
from .measure import THREADS, Job
from .rules import Rule, RuleMaker

WARM_RULES = 40
WARM_SECONDS = 60.0
# Of no round that is measured.
WARM_ROUND = 1_000


def _session(job: Job) -> SparkSession:
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings = {
        "spark.driver.memory": "8g",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": str(THREADS),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.timestampType": "TIMESTAMP_NTZ",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master(f"local[{THREADS}]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    gateway: Any = session.sparkContext._gateway
    job.others.append(gateway.proc.pid)
    for name, file in [("users", job.data.users_file), ("events", job.data.events_file)]:
        session.read.parquet(str(file)).createOrReplaceTempView(name)
    return session


def _members(session: SparkSession, rules: list[Rule]) -> list[np.ndarray]:
    return [session.sql(sql.rule_query(rule)).toArrow()["user_id"].to_numpy() for rule in rules]


def _rule_by_rule(job: Job) -> list[np.ndarray]:
    session = _session(job)
    until = time.perf_counter() + WARM_SECONDS
    for rule in RuleMaker(job.data).make(WARM_RULES, 1.0, 25, WARM_ROUND):
        if time.perf_counter() < until:
            _members(session, [rule])
    job.start()
    return _members(session, job.rules)


def forms() -> dict[str, Callable[[Job], list[np.ndarray]]]:
    """By name."""
    return {"spark rules": _rule_by_rule}
