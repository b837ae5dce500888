"""An engine whose refresh takes a while, for tests of what happens meanwhile."""

from __future__ import annotations

import datetime as dt

import numpy
import pyarrow as pa

import segmentry

USERS, EVENTS = 20_000, 400_000


def slow_engine(catalog: str = ":memory:", rules: int = 60) -> segmentry.SegmentEngine:
    """Random payments, and rules that each ask something else of them. The first takes everybody."""
    random = numpy.random.default_rng(7)
    engine = segmentry.SegmentEngine(catalog)
    engine.add_arrow("users", pa.table({"user_id": numpy.arange(USERS)}))
    start = int(dt.datetime(2025, 1, 1, tzinfo=dt.timezone.utc).timestamp() * 10**6)
    payments = {
        "user_id": random.integers(0, USERS, EVENTS),
        "paid_at": pa.array(start + random.integers(0, 10**13, EVENTS)).view(pa.timestamp("us")),
        "amount": random.integers(0, 10_000, EVENTS),
    }
    engine.add_arrow("payments", pa.table(payments))
    spent = {"events": "payments", "aggregate": "sum", "field": "amount", "operator": ">"}
    documents = [{"rule_name": "Everybody", "conditions": []}]
    documents += [
        {
            "rule_name": f"Spenders {at}",
            "conditions": [spent | {"value": 1000 * at, "window": {"start": f"2025-01-{1 + at % 28:02}"}}],
        }
        for at in range(rules)
    ]
    engine.import_rules(documents)
    return engine


def everybody(engine: segmentry.SegmentEngine) -> int:
    """How many users there are."""
    return engine.summary().total_users
