"""The dataclasses have everything that the engine says: no member of an answer is dropped on the way."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import segmentry
from segmentry import _native
from segmentry import types as answers

SPENT = {"events": "payments", "aggregate": "sum", "field": "amount", "operator": ">", "value": 1, "window": "all"}

# Of each type a call whose answer it reads.
ANSWERS: list[tuple[Any, Callable[[_native.Engine], Any]]] = [
    (answers.Rule, lambda e: e.rule(1)),
    (answers.RuleVersion, lambda e: e.rule_history(1)),
    (answers.Updated, lambda e: e.update_rule(1, json.dumps({"rule_name": "Metro", "conditions": []}))),
    (segmentry.Problem, lambda e: e.validate('{"rule_nam": "A"}')),
    (answers.Run, lambda e: e.refresh(None, None, True, True, None, [], False)),
    (answers.Run, lambda e: e.run(2)),
    (answers.SegmentEntry, lambda e: e.segments(1, 10, None)),
    (answers.Overlap, lambda e: e.overlap([1, 2])),
    (answers.Feed, lambda e: e.changes(0, 10)),
    (answers.Preview, lambda e: e.preview("city_tier = 1", None)),
    (answers.Explanation, lambda e: e.explain((2, None), 1, None)),
    (answers.Dependencies, lambda e: e.dependencies((2, None))),
    (answers.Lineage, lambda e: e.lineage(2)),
    (answers.FieldInfo, lambda e: e.fields()),
    (answers.SourceInfo, lambda e: e.sources()),
    (answers.Summary, lambda e: e.summary()),
    (answers.Check, lambda e: e.check()),
    (answers.Vacuumed, lambda e: e.vacuum(1, None, None)),
    (answers.Forgotten, lambda e: e.forget(3)),
    (answers.StoreStatus, lambda e: e.store_status()),
    (answers.DueRule, lambda e: e.due("2050-01-01T00:00:00Z")),
    (answers.SchedulerStatus, lambda e: e.scheduler(None, None, None, None).status()),
    (answers.EngineStatus, lambda e: e.status()),
]


def dropped(kind: Any, value: Any, place: str = "") -> list[str]:
    """Members of a JSON value that its type does not read, and types that read nothing."""
    if isinstance(value, list):
        inner = typing.get_args(kind)[0] if typing.get_origin(kind) is tuple else kind
        return [found for each in value for found in dropped(inner, each, f"{place}[]")]
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = next(arg for arg in typing.get_args(kind) if arg is not type(None))
        return [] if value is None else dropped(kind, value, place)
    if not dataclasses.is_dataclass(kind) or not isinstance(value, dict):
        return []
    hints = typing.get_type_hints(kind)
    fields = {f.metadata.get("json", f.name): hints[f.name] for f in dataclasses.fields(kind)}
    found = [f"{place}.{name}" for name in value if name not in fields]
    return found + [each for name in value if name in fields for each in dropped(fields[name], value[name], f"{place}.{name}")]


def test_what_is_dropped_is_found() -> None:
    assert dropped(answers.Run, {"segments": [{"rule_id": 1, "new": 2}], "other": 3}) == [".other", ".segments[].new"]


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> _native.Engine:
    """An engine that has something to say of everything."""
    from conftest import small_engine

    folder = tmp_path_factory.mktemp("types")
    engine = small_engine(catalog=folder / "audience.db", store=Path(folder) / "store")
    engine.create_rule({"rule_name": "Spenders", "conditions": [SPENT], "schedule": "@daily", "exclude": [3]})
    conditions = [SPENT, {"field": "segment", "operator": "in", "value": "Metro"}]
    engine.create_rule({"rule_name": "Both", "conditions": conditions, "schedule": "@daily"})
    engine.refresh()
    engine.add_arrow("payments", engine.sql("select user_id, paid_at from payments"))
    engine.refresh()
    engine.add_arrow("payments", small_engine().sql("select * from payments"))
    with pytest.raises(segmentry.SegmentryError):
        engine.refresh(timeout=0.000001)
    engine.trigger(2)
    return engine._engine


@pytest.mark.parametrize(("kind", "call"), ANSWERS, ids=[kind.__name__ for kind, _ in ANSWERS])
def test_nothing_is_dropped(native: _native.Engine, kind: Any, call: Callable[[_native.Engine], Any]) -> None:
    answer = call(native)
    if isinstance(answer, _native.Call):
        while not answer.wait():
            pass
        answer = answer.result()
    value = json.loads(answer[0] if isinstance(answer, tuple) else answer)
    assert value
    items = value["items"] if isinstance(value, dict) and "items" in value else value
    assert dropped(kind, items) == []
