"""Rows as Python's own values."""

import datetime as dt
from decimal import Decimal

import polars
import pytest
import segmentry as sg

DAY = dt.date(2025, 1, 31)
INSTANT = dt.datetime(2025, 1, 31, 10, 30, tzinfo=dt.UTC)


def test_rows_are_dicts_of_pythons_own_values() -> None:
    rows = [
        {
            "user_id": 1,
            "name": "Ann",
            "ok": True,
            "spent": Decimal("1.50"),
            "born": DAY,
            "seen": INSTANT,
            "tags": ["a"],
        },
        {"user_id": 2, "name": None, "ok": None, "spent": None, "born": None, "seen": None, "tags": None},
    ]
    engine = sg.SegmentEngine(":memory:")
    engine.add_arrow("users", polars.DataFrame(rows, schema_overrides={"spent": polars.Decimal(10, 2)}))
    assert engine.sql("select * from users order by user_id").to_pylist() == rows
    assert engine.sql("select * from users where user_id > 9").to_pylist() == []


def test_keys_are_a_column_of_their_own_name() -> None:
    engine = sg.SegmentEngine(":memory:")
    engine.add_arrow("users", polars.DataFrame({"user_id": [2, 1]}))
    engine.create_rule(sg.rule("Everyone", sg.all_of()))
    engine.refresh()
    segment = engine.segment("Everyone")
    for frame in (polars.DataFrame(segment), polars.DataFrame(segment.keys()), segment.keys().to_polars()):
        assert frame.to_dict(as_series=False) == {"user_id": [1, 2]}
    keys = segment.keys()
    assert (1 in keys, 3 in keys, keys[-1], keys[:1], list(keys)) == (True, False, 2, [1], [1, 2])


@pytest.mark.parametrize(
    "value", ["interval '1 day'", "make_array(interval '1 day')", "map(make_array('a'), make_array(1))"]
)
def test_a_type_that_python_has_nothing_for_is_told(value: str) -> None:
    rows = sg.SegmentEngine(":memory:").sql(f"select {value} as odd")
    with pytest.raises(sg.InvalidError, match="no values of the type") as raised:
        rows.to_pylist()
    assert raised.value.code == "unsupported"
