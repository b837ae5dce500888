"""Polars on the Parquet files, with its streaming engine, which was the faster one here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from .data import AS_OF
from .measure import Job
from .rules import Rule
from .sql import earliest

Members = list[np.ndarray]


def _instant(microseconds: int) -> pl.Expr:
    return pl.lit(datetime(1970, 1, 1) + timedelta(microseconds=microseconds), pl.Datetime("us"))


def _between(start: int) -> pl.Expr:
    time = pl.col("transaction_date")
    return (time >= _instant(start)) & (time < _instant(AS_OF))


def _test(rule: Rule) -> pl.Expr:
    """The comparison of a rule's aggregate; an average's without a division."""
    amount, aggregate = pl.col("amount"), rule.metric.aggregate
    if aggregate == "count":
        return pl.len() >= rule.threshold
    value = pl.lit(rule.value, pl.Decimal(38, 2))
    if aggregate == "avg":
        return amount.sum() >= value * pl.len()
    extreme = amount.min() if aggregate == "min" else amount.max()
    return (amount.sum() if aggregate == "sum" else extreme) >= value


def _reached(rule: Rule, events: pl.LazyFrame) -> pl.LazyFrame:
    """The users for whom a rule's comparison holds, of events that are its own."""
    tested = events.group_by("user_id").agg(_test(rule).alias("member"))
    return tested.filter("member").select("user_id")


def _query(job: Job, rule: Rule) -> pl.LazyFrame:
    metric = rule.metric
    users = pl.scan_parquet(job.data.users_file).filter(pl.col("city_tier") == rule.tier)
    kept = (pl.col("category") == metric.category) & _between(metric.start)
    events = pl.scan_parquet(job.data.events_file).filter(kept)
    return _reached(rule, events.join(users, on="user_id", how="semi"))


def _keys(frame: pl.DataFrame) -> np.ndarray:
    return frame["user_id"].to_numpy()


def _rule_by_rule(job: Job) -> Members:
    return [_keys(_query(job, rule).collect(engine="streaming")) for rule in job.rules]


def _together(job: Job) -> Members:
    """All queries in one plan, which may read the files once."""
    queries = [_query(job, rule) for rule in job.rules]
    return [_keys(frame) for frame in pl.collect_all(queries, engine="streaming")]


def _narrowed_first(job: Job) -> Members:
    """The events of the longest window, one frame for each category and tier; then the rules."""
    with job.part("narrowed table"):
        tiers = pl.scan_parquet(job.data.users_file).select("user_id", "city_tier")
        events = pl.scan_parquet(job.data.events_file).filter(_between(earliest(job.rules)))
        narrowed = events.join(tiers, on="user_id").collect(engine="streaming")
        frames = narrowed.partition_by("category", "city_tier", as_dict=True, include_key=False)
    members = []
    for rule in job.rules:
        frame = frames.get((rule.metric.category, rule.tier), narrowed.clear())
        kept = frame.lazy().filter(pl.col("transaction_date") >= _instant(rule.metric.start))
        members.append(_keys(_reached(rule, kept).collect(engine="streaming")))
    return members


def forms() -> dict[str, Callable[[Job], Members]]:
    """By name."""
    return {
        "polars rules": _rule_by_rule,
        "polars together": _together,
        "polars narrowed": _narrowed_first,
    }
