"""Errors: their classes, what they carry, and how they read."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

import segmentry
from segmentry import SegmentEngine


@pytest.mark.parametrize(
    ("fails", "raised", "kind", "code"),
    [
        (lambda e: e.create_rule({"rule_name": "A"}), segmentry.InvalidError, "invalid", "missing_member"),
        (lambda e: e.sql("drop table users"), segmentry.InvalidError, "invalid", "not_read_only"),
        (lambda e: e.sql("select 1 +"), segmentry.InvalidError, "invalid", "bad_query"),
        (lambda e: e.rules(page=0), segmentry.InvalidError, "invalid", "bad_value"),
        (lambda e: e.rules(page=-1), segmentry.InvalidError, "invalid", "bad_value"),
        (lambda e: e.to_sql(1, "oracle"), segmentry.InvalidError, "invalid", "bad_value"),
        (lambda e: e.segment(1).export("x", "xlsx"), segmentry.InvalidError, "invalid", "bad_value"),
        (lambda e: e.rule("Mtero"), segmentry.NotFoundError, "not_found", "not_found"),
        (lambda e: e.segment("Mtero"), segmentry.NotFoundError, "not_found", "not_found"),
        (lambda e: e.delete_rule(needed(e)), segmentry.ConflictError, "conflict", "rule_in_use"),
        (lambda e: e.add_csv("visits", "/nowhere.csv"), segmentry.DataError, "data", "unreadable_source"),
        (lambda e: e.refresh(timeout=1e-6), segmentry.BusyError, "busy", "timed_out"),
        (lambda e: e.segment(1).export("/nowhere/x"), segmentry.InternalError, "internal", "io"),
    ],
)
def test_each_kind_has_a_class(
    engine: SegmentEngine, fails: Any, raised: type[segmentry.SegmentryError], kind: str, code: str
) -> None:
    with pytest.raises(raised) as caught:
        fails(engine)
    error = caught.value
    assert isinstance(error, segmentry.SegmentryError)
    assert (error.kind, error.code, type(error).__module__) == (kind, code, "segmentry")
    assert error.problems and error.problems[0].message in str(error)


def needed(engine: SegmentEngine) -> int:
    engine.create_rule({"rule_name": "Both", "depends_on": [1], "operation": "UNION"})
    return 1


def test_an_error_says_everything_with_its_places(engine: SegmentEngine) -> None:
    rule = {
        "rule_name": "Wrong",
        "conditions": [
            {"field": "city_teir", "operator": "=", "value": 1},
            {"field": "city_tier", "operator": "=", "value": "many"},
        ],
    }
    with pytest.raises(segmentry.InvalidError) as caught:
        engine.create_rule(rule)
    error = caught.value
    assert [(p.code, p.path) for p in error.problems] == [
        ("unknown_field", "/conditions/0/field"),
        ("type_mismatch", "/conditions/1/value"),
    ]
    assert (error.code, error.path, error.hint) == (
        "unknown_field",
        "/conditions/0/field",
        'did you mean "city_tier"?',
    )
    lines = str(error).splitlines()
    assert len(lines) == 2
    assert "/conditions/0/field" in lines[0] and "city_tier" in lines[0] and "/conditions/1/value" in lines[1]
    assert error.document is not None and '"many"' in error.document
    assert "city_teir" in error._repr_html_()


def test_an_error_of_many_rules_names_the_one(engine: SegmentEngine) -> None:
    good, bad = {"rule_name": "Good", "conditions": []}, {"rule_name": "Bad"}
    with pytest.raises(segmentry.InvalidError) as caught:
        engine.import_rules([good, bad])
    assert caught.value.path.startswith("/1")
    assert caught.value.document is not None and json.loads(caught.value.document) == [good, bad]
    assert engine.rules().total == 1


def test_errors_can_be_pickled(engine: SegmentEngine) -> None:
    with pytest.raises(segmentry.NotFoundError) as caught:
        engine.rule("Mtero")
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is segmentry.NotFoundError
    assert (str(again), again.problems) == (str(caught.value), caught.value.problems)


def test_what_ipython_shows(engine: SegmentEngine) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.user_ns["engine"] = engine
    with pytest.MonkeyPatch.context() as patch:
        shown: list[str] = []
        patch.setattr(shell, "_showtraceback", lambda kind, error, lines: shown.extend(lines))
        shell.run_cell('engine.preview([{"field": "city_teir", "operator": "=", "value": 1}])')
    text = "\n".join(shown)
    assert "city_teir" in text and "InvalidError" in text and "_calls.py" not in text


@pytest.mark.parametrize("what", ["engine", "segment", "scheduler"])
def test_what_lives_off_this_process_is_not_pickled_or_copied(engine: SegmentEngine, what: str) -> None:
    import copy

    value = {"engine": engine, "segment": engine.segment(1), "scheduler": engine.scheduler()}[what]
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="can't be pickled: .* open an engine on the catalog"):
            attempt(value)


def test_answers_are_pickled(engine: SegmentEngine) -> None:
    for answer in (engine.runs(), engine.rule(1), engine.fields(), engine.status(), engine.lineage(1)):
        assert pickle.loads(pickle.dumps(answer)) == answer


def test_a_damaged_catalog_is_told(tmp_path: Path) -> None:
    (tmp_path / "audience.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(segmentry.DataError):
        SegmentEngine(tmp_path / "audience.db")
