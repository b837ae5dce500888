"""Every verb, waited for and awaited."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars
import pytest

import segmentry
from segmentry import SegmentEngine

TIER_1 = [{"field": "city_tier", "operator": "=", "value": 1}]
UTC = dt.timezone.utc

# Each verb with arguments and what its answer is to look like. `folder` is an empty one.
VERBS: list[tuple[str, Callable[[Path], tuple[Any, ...]], Callable[[Any], bool]]] = [
    ("validate", lambda _: ({"rule_name": "", "conditions": []},), lambda a: a[0].code == "bad_name"),
    ("create_rule", lambda _: ({"rule_name": "New", "conditions": TIER_1},), lambda a: a == 2),
    ("update_rule", lambda _: (1, {"rule_name": "Metros", "conditions": []}), lambda a: a.affects == ()),
    ("delete_rule", lambda _: ("Metro",), lambda a: a is None),
    ("rule", lambda _: ("Metro",), lambda a: a.rule_name == "Metro" and a.updated_at.tzinfo is not None),
    ("rules", lambda _: (1, 5, "me"), lambda a: (a.total, a.page, a.pages, len(a)) == (1, 1, 1, 1)),
    ("rule_history", lambda _: (1,), lambda a: a[0].document["rule_name"] == "Metro"),
    ("import_rules", lambda _: ([{"rule_name": "New", "conditions": TIER_1}],), lambda a: a == [2]),
    ("export_rules", lambda _: (), lambda a: a[0]["rule_name"] == "Metro"),
    ("set_max_change", lambda _: (1, 0.5), lambda a: a is None),
    ("max_changes", lambda _: (), lambda a: a == {}),
    ("add_csv", lambda folder: ("visits", written(folder)), lambda a: a is None),
    ("add_parquet", lambda folder: ("visits", parquet(folder)), lambda a: a is None),
    ("add_sqlite", lambda folder: (sqlite(folder),), lambda a: a == ["visits"]),
    ("refresh", lambda _: (["Metro"],), lambda a: a.segments[0].row_count == 2),
    ("runs", lambda _: (), lambda a: a[0].id == a.items[0].id == 1),
    ("run", lambda _: (1,), lambda a: a.segments[0].segment_name == "Metro"),
    ("segments", lambda _: (), lambda a: a.items[0].current.version == 1),
    ("segment", lambda _: ("Metro",), lambda a: list(a) == [1, 3]),
    ("segments_of", lambda _: (1,), lambda a: a == ["Metro"]),
    ("overlap", lambda _: ([1, 1],), lambda a: a.segments[0].row_count == 2),
    ("changes", lambda _: (), lambda a: list(a.changes[0].entered) == [1, 3]),
    ("trigger", lambda _: (1,), lambda a: a == 2),
    ("due", lambda _: (), lambda a: a == []),
    ("preview", lambda _: ("city_tier = 1",), lambda a: (a.count, a.of, len(a.sample)) == (2, 3, 2)),
    ("explain", lambda _: (TIER_1, 2), lambda a: not a.member and a.root.parts[0].value == 2),
    ("dependencies", lambda _: (1,), lambda a: a.order == (1,)),
    ("lineage", lambda _: (1,), lambda a: a.nodes[0].row_count == 2),
    ("to_sql", lambda _: (1, "duckdb"), lambda a: a.startswith("SELECT")),
    ("sql", lambda _: ("select 1 as one",), lambda a: a.columns == ["one"] and len(a) == 1),
    ("fields", lambda _: (), lambda a: a[0].name == "user_id"),
    ("summary", lambda _: (), lambda a: a.total_users == 3 and a.last_run.id == 1),
    ("next_runs", lambda _: (1, 2), lambda a: a == []),
    ("check", lambda _: (), lambda a: a.is_sound and a.looked_at),
    ("vacuum", lambda _: (1,), lambda a: a.versions == 0),
    ("backup", lambda folder: (folder / "copy.db",), lambda a: a > 0),
    ("forget", lambda _: (3,), lambda a: a.known and a.segments == 1),
    ("store_status", lambda _: (), lambda a: a is None),
    ("compact", lambda _: (), lambda a: a is None),
]


def written(folder: Path) -> Path:
    path = folder / "visits.csv"
    path.write_text("user_id,at\n1,2025-01-01T10:00:00\n")
    return path


def parquet(folder: Path) -> Path:
    polars.DataFrame({"user_id": [1]}).write_parquet(folder / "visits.parquet")
    return folder / "visits.parquet"


def sqlite(folder: Path) -> Path:
    import contextlib
    import sqlite3

    with contextlib.closing(sqlite3.connect(folder / "visits.db")) as database:
        database.execute("create table visits (user_id integer)")
    return folder / "visits.db"


def test_every_verb_is_in_the_table_and_has_a_twin() -> None:
    public = {
        name
        for name, value in inspect.getmembers(SegmentEngine)
        if callable(value) and not name.startswith("_")
    }
    twins = {name.removesuffix("_async") for name in public if name.endswith("_async")} - {"open"}
    assert twins == {name for name, _, _ in VERBS}
    # These are done at once: there is nothing to wait for.
    at_once = {"add_arrow", "sources", "remove_source", "scheduler", "status", "model", "infer_model"}
    at_once |= {"to_text", "parse_text"}
    assert public - twins - {f"{twin}_async" for twin in twins} == at_once | {"open_async"}


@pytest.mark.parametrize(("verb", "arguments", "fits"), VERBS, ids=[verb for verb, _, _ in VERBS])
def test_a_verb_waited_for(
    engine: SegmentEngine, tmp_path: Path, verb: str, arguments: Callable[[Path], Any], fits: Callable[[Any], bool]
) -> None:
    answer = getattr(engine, verb)(*arguments(tmp_path))
    assert fits(answer), answer


@pytest.mark.parametrize(("verb", "arguments", "fits"), VERBS, ids=[verb for verb, _, _ in VERBS])
def test_a_verb_awaited(
    engine: SegmentEngine, tmp_path: Path, verb: str, arguments: Callable[[Path], Any], fits: Callable[[Any], bool]
) -> None:
    answer = asyncio.run(getattr(engine, f"{verb}_async")(*arguments(tmp_path)))
    assert fits(answer), answer


@pytest.mark.parametrize("verb", [verb for verb, _, _ in VERBS])
def test_a_verb_shows_its_answer_and_its_twin(verb: str) -> None:
    plain, twin = getattr(SegmentEngine, verb), getattr(SegmentEngine, f"{verb}_async")
    assert "Pending" not in str(inspect.signature(plain))
    assert list(inspect.signature(plain).parameters) == list(inspect.signature(twin).parameters)
    assert inspect.iscoroutinefunction(twin) and not inspect.iscoroutinefunction(plain)
    assert plain.__doc__ and twin.__doc__ == f"The same as `{verb}`, awaited."
    assert (plain.__name__, twin.__name__) == (verb, f"{verb}_async")


def test_opening(tmp_path: Path) -> None:
    async def opened() -> SegmentEngine:
        return await SegmentEngine.open_async(
            tmp_path / "audience.db", store=tmp_path / "store", threads=2, memory_limit="1 GB", busy_timeout=1
        )

    engine = asyncio.run(opened())
    engine.create_rule({"rule_name": "Everyone", "conditions": []}) if engine.sources() else None
    status = engine.store_status()
    assert status is not None and status.folder == str(tmp_path / "store")
    assert SegmentEngine(str(tmp_path / "audience.db"), memory_limit=10**9).rules().total == 0
    with pytest.raises(segmentry.InvalidError, match="is no size"):
        SegmentEngine(":memory:", memory_limit="plenty")
    with pytest.raises(segmentry.InvalidError, match="expected a count"):
        SegmentEngine(":memory:", memory_limit=-1)
    with pytest.raises(TypeError):
        SegmentEngine(":memory:", memory_limit=1.5)  # type: ignore[arg-type]
    with pytest.raises(segmentry.InvalidError, match="at least one thread"):
        SegmentEngine(":memory:", threads=0)


def test_a_model_is_a_document_a_text_or_a_path(tmp_path: Path) -> None:
    model = {"users": {"table": "people", "key": "id"}, "timezone": "Asia/Kolkata"}
    (tmp_path / "model.json").write_text('{"users": {"table": "people", "key": "id"}, "timezone": "Asia/Kolkata"}')
    given: list[Any] = [
        model,
        (tmp_path / "model.json").read_text(),
        tmp_path / "model.json",
        str(tmp_path / "model.json"),
        segmentry.AudienceModel.parse(model),
    ]
    for each in given:
        assert SegmentEngine(":memory:", model=each).model().timezone == "Asia/Kolkata"
    with pytest.raises(FileNotFoundError):
        SegmentEngine(":memory:", model=tmp_path / "missing.json")


def test_a_catalog_is_shared_by_engines(tmp_path: Path) -> None:
    for catalog in (segmentry.MemoryCatalog(), segmentry.SqliteCatalog.open(tmp_path / "a.db", busy_timeout=1)):
        from conftest import small_engine

        small_engine(catalog=catalog)
        assert SegmentEngine(catalog).rules().total == 1


def test_instants_go_in_as_texts_and_aware_datetimes(engine: SegmentEngine) -> None:
    at = dt.datetime(2025, 1, 15, 12, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30)))
    for as_of in (at, at.isoformat(), "2025-01-15T06:30:00Z"):
        run = engine.refresh(as_of=as_of)
        assert run.as_of == at and run.as_of.tzinfo == UTC
    assert engine.segment("Metro", as_of=at).as_of == at
    for wrong in (dt.datetime(2025, 1, 15), "2025-01-15", "yesterday"):
        with pytest.raises(segmentry.InvalidError) as raised:
            engine.refresh(as_of=wrong)
        assert raised.value.code == "bad_date"


def test_rules_are_named_by_ids_names_and_what_was_read_of_them(engine: SegmentEngine) -> None:
    rule, segment = engine.rule(1), engine.segment(1)
    for named in (1, "Metro", rule, segment):
        assert engine.rule(named).id == 1
        assert engine.refresh(named).segments[0].rule_id == 1
        assert engine.refresh([named]).segments[0].rule_id == 1
        assert engine.explain(named, 1).member
        assert engine.to_sql(named).startswith("SELECT")
    for wrong in (1.5, None, True, b"Metro"):
        with pytest.raises(TypeError):
            engine.rule(wrong)  # type: ignore[arg-type]
    with pytest.raises(segmentry.InvalidError):
        engine.rule(2**70)


def test_what_was_read_can_be_sent_back(engine: SegmentEngine) -> None:
    rule = engine.rule("Metro")
    assert engine.validate(rule)[0].code == "duplicate_name"
    engine.update_rule(rule, rule, if_version=rule.version)
    with pytest.raises(segmentry.ConflictError) as raised:
        engine.update_rule(rule, rule, if_version=rule.version)
    assert raised.value.code == "stale_version"


def test_documents_hold_what_python_people_have(engine: SegmentEngine) -> None:
    import numpy

    rule = {
        "rule_name": "All sorts",
        "conditions": (
            {"field": "city_tier", "operator": "in", "value": numpy.array([1, 2])},
            segmentry.col("city_tier") >= 1,
            {
                "events": "payments",
                "aggregate": "sum",
                "field": "amount",
                "window": {"start": dt.date(2025, 1, 1), "end": dt.datetime(2025, 1, 31, tzinfo=UTC)},
                "operator": ">",
                "value": decimal.Decimal("15.000000000000000000000000000001"),
            },
        ),
        "include": {3, 2, 1},
    }
    id = engine.create_rule(rule)
    stored = engine.rule(id)
    assert stored["include"] == [1, 2, 3]
    assert "15.000000000000000000000000000001" in engine.to_text(stored["conditions"])
    with pytest.raises(TypeError, match="can't hold"):
        engine.create_rule({"rule_name": "No", "conditions": [{"field": object()}]})
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(segmentry.InvalidError, match="can't be written"):
        engine.create_rule({"rule_name": "No", "conditions": endless})


def test_guards_and_accepted_changes(engine: SegmentEngine) -> None:
    engine.set_max_change("Metro", 0.1)
    engine.add_arrow("users", polars.DataFrame({"user_id": [1, 2, 3], "city_tier": [1, 1, 1]}))
    run = engine.refresh()
    assert run.failed[0].problems[0].code == "implausible_change"
    assert engine.status().failing[0].rule_id == 1
    assert engine.refresh(accept_change=["Metro"]).segments[0].entered == 1
    engine.set_max_change("Metro", None)
    assert engine.max_changes() == {}


def test_a_refresh_that_takes_too_long(engine: SegmentEngine) -> None:
    with pytest.raises(segmentry.BusyError) as raised:
        engine.refresh(timeout=dt.timedelta(microseconds=1), incremental=False)
    assert raised.value.code == "timed_out"
    with pytest.raises(segmentry.InvalidError):
        engine.refresh(timeout=-1)


def test_vacuum_keeps_what_it_is_told(engine: SegmentEngine) -> None:
    for tiers in ([1, 1, 1], [2, 2, 1], [1, 2, 2]):
        engine.add_arrow("users", polars.DataFrame({"user_id": [1, 2, 3], "city_tier": tiers}))
        engine.refresh()
    assert len(engine.segment(1).versions()) == 4
    assert engine.vacuum(1, younger_than=dt.timedelta(days=1), runs=1).versions == 0
    assert engine.vacuum(2).versions == 2
    changes = engine.segment(1).changes(since_version=3)
    assert (list(changes.entered), list(changes.exited)) == ([1], [3])
    assert engine.vacuum(keep_versions=1).versions == 1


def test_a_store_says_how_it_stands(tmp_path: Path) -> None:
    from conftest import small_engine

    engine = small_engine(catalog=tmp_path / "a.db", store=tmp_path / "store")
    spent = {"events": "payments", "aggregate": "sum", "field": "amount", "operator": ">", "value": 1}
    engine.create_rule({"rule_name": "Spenders", "conditions": [spent | {"window": "all"}]})
    engine.refresh()
    status = engine.store_status()
    assert status is not None and status.tables[0].table == "payments"
    assert status.tables[0].freshness == "current" and status.tables[0].read_at.tzinfo == UTC
    assert engine.compact() is not None


def test_lineage_in_every_form(engine: SegmentEngine) -> None:
    engine.create_rule({"rule_name": "Both", "depends_on": ["Metro"], "operation": "UNION"})
    engine.refresh()
    lineage = engine.lineage("Metro")
    edge = lineage.edges[0]
    assert (edge.from_, edge.to, edge.kind) == (1, 2, "operand")
    assert engine.lineage("Metro", format="mermaid") == lineage.mermaid
    assert "digraph" in engine.lineage("Metro", format="dot")
    with pytest.raises(ValueError, match="no format"):
        engine.lineage("Metro", format="svg")  # type: ignore[call-overload]


def test_text_form(engine: SegmentEngine) -> None:
    text = "city_tier in (1, 2) and not (city_tier = 3)"
    assert engine.to_text(engine.parse_text(text)) == text
    with pytest.raises(segmentry.InvalidError) as raised:
        engine.preview("city_tier = 1\nand cuont(payments) > 3")
    assert raised.value.path == "2:5"


def test_scheduler(engine: SegmentEngine) -> None:
    engine.update_rule(1, engine.rule(1).document | {"schedule": "@hourly"})
    scheduler = engine.scheduler(misfire="skip", grace=60, poll=dt.timedelta(seconds=1), retry=(1, 60))
    run = engine.trigger("Metro")
    assert scheduler.status().queued[0].run_id == run
    scheduler.start()
    for _ in range(200):
        if run in [past.id for past in engine.runs()]:
            break
        asyncio.run(asyncio.sleep(0.05))
    assert engine.run(run).segments[0].segment_name == "Metro"
    status = scheduler.status()
    assert status.started and status.rules[0].next_run is not None
    asyncio.run(scheduler.stop_async("cancel"))
    assert not scheduler.is_started
    with pytest.raises(segmentry.InvalidError, match="misfire"):
        engine.scheduler(misfire="never")
    with pytest.raises(segmentry.InvalidError, match="stop by"):
        scheduler.stop("now")


def test_other_verbs_of_a_segment_are_awaited_too(engine: SegmentEngine, tmp_path: Path) -> None:
    async def all_of_them() -> tuple[Any, ...]:
        segment = await engine.segment_async("Metro")
        await segment.export_async(tmp_path / "metro.parquet")
        return (
            await segment.write_table_async(tmp_path / "platform.db"),
            len(await segment.members_async()),
            len(await segment.sample_async(1, ["city_tier"])),
            len(await segment.versions_async()),
            len((await segment.changes_async(1)).entered),
        )

    assert asyncio.run(all_of_them()) == (2, 2, 1, 1, 0)
    assert polars.read_parquet(tmp_path / "metro.parquet")["user_id"].to_list() == [1, 3]
