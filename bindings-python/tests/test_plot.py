"""Plots: what they show is what the engine says, and Altair takes every one of them."""

import datetime as dt
import sys
from typing import Any

import polars
import pytest
import segmentry as sg
import vl_convert

START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
HOSTILE = """</script><script>alert(1)</script>'"\\"""


@pytest.fixture
def engine() -> sg.SegmentEngine:
    engine = sg.SegmentEngine(":memory:")
    engine.add_arrow("users", polars.DataFrame({"user_id": range(100), "tier": [user % 4 for user in range(100)]}))
    paid = [START + dt.timedelta(days=user % 50) for user in range(100)]
    engine.add_arrow("payments", polars.DataFrame({"user_id": range(100), "paid_at": paid, "amount": range(100)}))
    engine.create_rule(sg.rule("First tier", sg.col("tier") == 1))
    engine.create_rule(sg.rule("Recent", sg.events("payments").last("10 days").count() > 0))
    engine.create_rule(sg.rule(HOSTILE, (sg.col("tier") == 1) & sg.in_segment("Recent")))
    engine.refresh(as_of=START + dt.timedelta(days=30))
    return engine


def values_of(chart: Any) -> list[dict[str, Any]]:
    """The data of the chart's first layer that has any."""
    found: list[dict[str, Any]] = []

    def look(spec: Any) -> None:
        if isinstance(spec, dict):
            if not found and "values" in spec.get("data", {}):
                found.extend(spec["data"]["values"])
            for part in spec.values():
                look(part)
        elif isinstance(spec, list):
            for part in spec:
                look(part)

    spec = chart.to_dict()
    for data in spec.get("datasets", {}).values():
        found.extend(data)
        break
    look(spec)
    return found


def drawn(chart: Any) -> str:
    """The chart as SVG, which needs all of it to be understood."""
    svg = vl_convert.vegalite_to_svg(chart.to_json())
    assert "alert(1)</script>" not in svg
    return str(svg)


def test_overlap(engine: sg.SegmentEngine) -> None:
    chart = engine.plot.overlap(["First tier", "Recent", HOSTILE])
    found = {(one["row"], one["column"]): one["count"] for one in values_of(chart)}
    sizes = {name: len(engine.segment(name)) for name in ("First tier", "Recent", HOSTILE)}
    assert sizes == {"First tier": 25, "Recent": 20, HOSTILE: 5}
    assert {name: found[name, name] for name in sizes} == sizes
    assert found["First tier", "Recent"] == found["Recent", "First tier"] == 5
    svg = drawn(chart)
    assert "Users in both segments" in svg and "First tier" in svg


def test_many_segments_are_squares_without_numbers(engine: sg.SegmentEngine) -> None:
    for tier in range(30):
        engine.create_rule(sg.rule(f"Tier {tier}", sg.col("tier") == tier))
    engine.refresh(as_of=START)
    chart = engine.plot.overlap([f"Tier {tier}" for tier in range(30)])
    assert chart.to_dict()["width"] <= 1000
    assert len(values_of(chart)) == 900
    drawn(chart)


def test_history_compares_each_instant_with_the_one_before(engine: sg.SegmentEngine) -> None:
    for days in (5, 60, 20, 40, 20):  # in no order, and one of them twice
        engine.refresh(["Recent"], as_of=START + dt.timedelta(days=days))
    chart = engine.plot.history("Recent")
    found = values_of(chart)
    assert [one["as_of"][:10] for one in found] == [
        f"{START + dt.timedelta(days=days):%Y-%m-%d}" for days in (5, 20, 30, 40, 60)
    ]
    assert [one["users"] for one in found] == [10, 20, 20, 20, 0]
    assert [(one.get("entered"), one.get("left")) for one in found] == [
        (None, None),
        (20, -10),
        (20, -20),
        (20, -20),
        (0, -20),
    ]
    assert "Recent" in drawn(chart)


def test_history_of_one_version_and_of_a_loaded_segment(engine: sg.SegmentEngine) -> None:
    assert [one["users"] for one in values_of(engine.plot.history(engine.segment("First tier")))] == [25]
    drawn(engine.plot.history(1))


def test_attrition(engine: sg.SegmentEngine) -> None:
    narrowed = (sg.col("tier") == 1) & (sg.col("user_id") < 50)
    chart = engine.plot.attrition(narrowed, as_of=START)
    found = [(one["condition"], one["users"]) for one in values_of(chart)]
    assert found == [("everyone", 100), ("tier = 1", 25), ("user_id < 50", 13)]
    svg = drawn(chart)
    assert "13 of 100 users" in svg and "tier = 1" in svg and "25  (25.0%)" in svg

    either = engine.plot.attrition("tier = 1 or tier = 2")
    assert [one["users"] for one in values_of(either)] == [100, 25, 25, 50]
    assert values_of(either)[-1]["condition"] == "all together"


def test_attrition_takes_any_text(engine: sg.SegmentEngine) -> None:
    engine.add_arrow("users", polars.DataFrame({"user_id": [1, 2], "name": [HOSTILE, "Ann"]}))
    chart = engine.plot.attrition(sg.all_of(sg.col("name") == HOSTILE))
    assert [one["users"] for one in values_of(chart)] == [2, 1]
    drawn(chart)


def test_lineage(engine: sg.SegmentEngine) -> None:
    svg = drawn(engine.plot.lineage("Recent"))
    assert "Lineage of Recent" in svg and "20 users" in svg
    drawn(engine.plot.lineage(HOSTILE))


def test_without_altair_it_is_said_what_to_install(engine: sg.SegmentEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    for plot in (
        lambda: engine.plot.overlap(["First tier", "Recent"]),
        lambda: engine.plot.history("Recent"),
        lambda: engine.plot.attrition("tier = 1"),
        lambda: engine.plot.lineage("Recent"),
    ):
        with pytest.raises(sg.MissingPackageError, match=r"needs altair.*segmentry\[plot\]"):
            plot()


def test_errors_are_the_engines(engine: sg.SegmentEngine) -> None:
    with pytest.raises(sg.NotFoundError):
        engine.plot.history("Nobody")
    with pytest.raises(sg.InvalidError):
        engine.plot.attrition("teir = 1")
