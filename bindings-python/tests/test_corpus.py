"""The corpus through Python: the members that every language gives."""

from __future__ import annotations

import decimal
import json
from pathlib import Path
from typing import Any

import corpus
import pyarrow as pa
import pytest

import segmentry

CASES = corpus.cases()


def engine_of(case: corpus.Case, rules: list[Any], catalog: str | Path) -> segmentry.SegmentEngine:
    """An engine with the case's tables and rules; the rules' ids are their places in the list."""
    engine = segmentry.SegmentEngine(catalog, model=case.model, threads=2)
    for name, file in case.files.items():
        engine.add_parquet(name, file)
    for name, table in case.tables.items():
        engine.add_arrow(name, table)
    assert [engine.create_rule(rule) for rule in rules] == list(range(1, len(rules) + 1))
    return engine


def agrees(expected: Any, keys: list[Any]) -> bool:
    """Whether members are those that a case tells, by themselves or by figures."""
    if isinstance(expected, list):
        return keys == expected
    return (
        len(keys) == expected["count"]
        and keys[: len(expected["first"])] == expected["first"]
        and keys[-len(expected["last"]) :] == expected["last"]
        and sum(keys) == expected["sum"]
        and sum(key * key for key in keys) == expected["sum_of_squares"]
    )


def check(case: corpus.Case, engine: segmentry.SegmentEngine) -> None:
    names = [json.loads(rule)["rule_name"] for rule in case.rules]
    for as_of, expected in case.expected.items():
        run = engine.refresh(range(1, len(names) + 1), as_of=as_of)
        assert run.failed == run.skipped == ()
        assert sorted(expected) == sorted(names)
        for id, name in enumerate(names, 1):
            segment = engine.segment(id)
            keys = segment.keys().to_pylist()
            assert agrees(expected[name], keys), (case.name, as_of, name, keys[:20])
            # The same members by every way out.
            assert pa.table(segment).column(0).to_pylist() == keys
            assert len(segment) == len(keys)
            assert all(key in segment for key in keys[:50])


def test_no_case_is_missing() -> None:
    folders = [folder for folder in (corpus.TESTS / "cases").iterdir() if folder.is_dir()]
    assert len(CASES) == len(folders) >= 130


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_documents_as_they_are_written(case: corpus.Case, tmp_path: Path) -> None:
    check(case, engine_of(case, case.rules, tmp_path / "audience.db"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_documents_as_dicts(case: corpus.Case) -> None:
    rules = [json.loads(rule, parse_float=decimal.Decimal) for rule in case.rules]
    check(case, engine_of(case, rules, ":memory:"))
