"""The corpus of bad documents: every problem of each, with its code, its place and its hint."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from typing import Any

import corpus
import pyarrow as pa
import pytest

import segmentry

MODEL = {
    "users": {"table": "people", "key": "id"},
    "events": {
        "buys": {"user": "user_id", "time": "at"},
        "visits": {"user": "user_id", "time": "at"},
    },
    "traits": {
        "total_spend": {"aggregate": "sum", "field": "amount", "events": ["buys", "visits"]},
        "buy_count": {"aggregate": "count", "events": "buys"},
        "home": {"latitude": "lat", "longitude": "lon"},
    },
}
MONEY, TIME = pa.decimal128(12, 2), pa.timestamp("us")
PEOPLE = {
    "id": pa.array([1]),
    "city_tier": pa.array([1], pa.int32()),
    "balance": pa.array([decimal.Decimal("1.50")], MONEY),
    "score": pa.array([0.5]),
    "country": pa.array(["IN"]),
    "active": pa.array([True]),
    "born": pa.array([dt.date(1997, 5, 19)], pa.date32()),
    "created_at": pa.array([0], pa.int64()).view(TIME),
    "tags": pa.array([["a"]]),
    "lat": pa.array([19.0]),
    "lon": pa.array([72.0]),
    "photo": pa.array([b"x"]),
}
BUYS = {
    "user_id": pa.array([1]),
    "at": pa.array([0], pa.int64()).view(TIME),
    "amount": pa.array([decimal.Decimal("1.50")], MONEY),
    "price": pa.array([1.5]),
    "category": pa.array(["Travel"]),
    "online": pa.array([True]),
    "labels": pa.array([[1]], pa.list_(pa.int32())),
}
VISITS = {
    "user_id": pa.array([1]),
    "at": pa.array([0], pa.int64()).view(TIME),
    "amount": pa.array([1]),
    "category": pa.array([1]),
    "page": pa.array(["/"]),
}


@pytest.fixture(scope="module")
def world() -> segmentry.SegmentEngine:
    """Columns of every type, and three rules, each but the first on the one before."""
    engine = segmentry.SegmentEngine(":memory:", model=MODEL, threads=1)
    for name, columns in {"people": PEOPLE, "buys": BUYS, "visits": VISITS}.items():
        engine.add_arrow(name, pa.table(columns))
    engine.create_rule({"rule_name": "High spenders", "conditions": []})
    engine.create_rule({"rule_name": "Lapsed", "depends_on": [1], "operation": "UNION"})
    engine.create_rule({"rule_name": "Café", "depends_on": [2], "operation": "UNION"})
    return engine


def documents() -> list[Any]:
    files = sorted((corpus.TESTS / "bad" / "documents").glob("*.json"))
    found = [(file.stem, bad) for file in files for bad in json.loads(file.read_text())]
    assert len(found) >= 500
    return [pytest.param(bad, id=f"{theme}: {bad['name']}") for theme, bad in found]


def problems_of(engine: segmentry.SegmentEngine, bad: dict[str, Any]) -> tuple[segmentry.Problem, ...]:
    """What is told of a bad document, by all verbs that take it."""
    text = bad["text"] if "text" in bad else json.dumps(bad.get("rule"), ensure_ascii=False)
    with pytest.raises(segmentry.InvalidError) as raised:
        if "model" in bad:
            segmentry.AudienceModel.parse(json.dumps(bad["model"]))
        elif "form" in bad:
            segmentry.RuleParser.parse_text(bad["form"])
        elif "update" in bad:
            engine.update_rule(bad["update"], text)
        else:
            engine.create_rule(text)
    error = raised.value
    assert (error.kind, error.code, error.path) == ("invalid", error.problems[0].code, error.problems[0].path)
    assert error.document is not None
    if "model" not in bad and "form" not in bad and "update" not in bad:
        assert tuple(engine.validate(text)) == error.problems
    return error.problems


@pytest.mark.parametrize("bad", documents())
def test_a_bad_document_gets_exactly_its_problems(world: segmentry.SegmentEngine, bad: dict[str, Any]) -> None:
    problems = problems_of(world, bad)
    told = sorted((problem.path, problem.code) for problem in problems)
    assert told == sorted((problem["path"], problem["code"]) for problem in bad["problems"])
    for expected in bad["problems"]:
        if "hint" in expected:
            hints = [p.hint for p in problems if (p.path, p.code) == (expected["path"], expected["code"])]
            assert hints[0] == expected["hint"]
    assert world.rules().total == 3
