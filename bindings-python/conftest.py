"""What the examples in docstrings begin with: the engine that `SegmentEngine` shows, and an empty folder."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import polars
import pytest

import segmentry

sys.path.insert(0, str(Path(__file__).parent / "tests"))


def small_engine(**options: Any) -> segmentry.SegmentEngine:
    """Three users, four payments, and one rule that was refreshed once."""
    engine = segmentry.SegmentEngine(options.pop("catalog", ":memory:"), **options)
    engine.add_arrow("users", polars.DataFrame({"user_id": [1, 2, 3], "city_tier": [1, 2, 1]}))
    payments = {
        "user_id": [1, 1, 2, 3],
        "paid_at": [datetime(2025, 1, day) for day in (3, 10, 4, 20)],
        "amount": [120.0, 40.5, 900.0, 15.0],
    }
    engine.add_arrow("payments", polars.DataFrame(payments))
    rule = {"rule_name": "Metro", "conditions": [{"field": "city_tier", "operator": "=", "value": 1}]}
    if not engine.rules().total:
        engine.refresh([engine.create_rule(rule)])
    return engine


@pytest.fixture
def engine() -> segmentry.SegmentEngine:
    """A small engine."""
    return small_engine()


@pytest.fixture(autouse=True)
def _examples(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        names = request.getfixturevalue("doctest_namespace")
        names.update(engine=small_engine(), folder=tmp_path)
