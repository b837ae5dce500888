"""Arrow both ways, with whatever library the caller has."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import Any

import duckdb
import pandas
import polars
import pyarrow as pa
import pytest

import segmentry
from segmentry import SegmentEngine

USERS = {"user_id": [1, 2, 3, 4], "city_tier": [1, 2, 1, None], "name": ["Asha", "Bo", None, "Dev"]}
TIER_1 = {"rule_name": "Tier 1", "conditions": [{"field": "city_tier", "operator": "=", "value": 1}]}


def relation() -> duckdb.DuckDBPyRelation:
    users = pa.table(USERS)  # noqa: F841: DuckDB finds it by its name
    return duckdb.sql("from users")


@pytest.mark.parametrize(
    "users",
    [
        pa.table(USERS),
        pa.RecordBatch.from_pydict(USERS),
        pa.table(USERS).to_reader(max_chunksize=1),
        polars.DataFrame(USERS),
        pandas.DataFrame(USERS),
        pandas.DataFrame(USERS).astype({"city_tier": "Int64", "name": "category"}),
        relation(),
    ],
    ids=["pyarrow", "batch", "reader", "polars", "pandas", "pandas nullable", "duckdb"],
)
def test_rows_come_in(users: Any) -> None:
    engine = SegmentEngine(":memory:")
    engine.add_arrow("users", users)
    engine.refresh(engine.create_rule(TIER_1))
    assert list(engine.segment(1)) == [1, 3]


def test_rows_of_a_result_come_in_again() -> None:
    engine = SegmentEngine(":memory:")
    engine.add_arrow("users", pa.table(USERS))
    engine.refresh(engine.create_rule(TIER_1))
    engine.add_arrow("others", engine.sql("select * from users where city_tier = 2"))
    engine.add_arrow("members", engine.segment(1))
    assert engine.sql("select count(*) as n from others, members").to_polars()["n"][0] == 2


def test_a_table_without_rows_has_columns() -> None:
    engine = SegmentEngine(":memory:")
    engine.add_arrow("users", pa.table(USERS).slice(0, 0))
    engine.refresh(engine.create_rule(TIER_1))
    segment = engine.segment(1)
    assert segment.row_count == 0 and bool(segment)
    assert polars.DataFrame(segment).shape == (0, 1)
    assert segment.keys().to_pylist() == []


@pytest.mark.parametrize("wrong", [USERS, [1, 2], None, "users.parquet"])
def test_what_is_no_table_is_told(wrong: Any) -> None:
    with pytest.raises(TypeError, match="__arrow_c_stream__"):
        SegmentEngine(":memory:").add_arrow("users", wrong)


def test_a_stream_that_breaks_is_an_error_of_the_data() -> None:
    def batches() -> Any:
        yield pa.RecordBatch.from_pydict({"user_id": [1]})
        raise OSError("the disk is gone")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("user_id", pa.int64())]), batches())
    with pytest.raises(segmentry.DataError, match="the disk is gone"):
        SegmentEngine(":memory:").add_arrow("users", reader)


@pytest.fixture
def segment() -> segmentry.Segment:
    engine = SegmentEngine(":memory:")
    engine.add_arrow("users", pa.table(USERS))
    engine.refresh(engine.create_rule(TIER_1))
    return engine.segment(1)


def test_a_segment_goes_out(segment: segmentry.Segment) -> None:
    for _ in range(2):
        assert polars.DataFrame(segment)["user_id"].to_list() == [1, 3]
        assert pa.table(segment).column("user_id").to_pylist() == [1, 3]
        assert segment.to_pandas()["user_id"].tolist() == [1, 3]
        assert segment.to_polars()["user_id"].to_list() == [1, 3]
        assert duckdb.sql("select sum(user_id) from segment").fetchall() == [(4,)]


def test_rows_and_keys_go_out(segment: segmentry.Segment) -> None:
    rows, keys = segment.members(["name", "user_id"]), segment.keys()
    assert rows.columns == ["name", "user_id"] and len(rows) == 2
    for _ in range(2):
        assert rows.to_polars().rows() == [("Asha", 1), (None, 3)]
        assert rows.to_pandas()["user_id"].tolist() == [1, 3]
        assert duckdb.sql("select count(*) from rows").fetchall() == [(2,)]
        assert pa.table(keys).column(0).to_pylist() == [1, 3]
    assert pa.table(rows, schema=pa.schema([("name", pa.large_string()), ("user_id", pa.int64())])).num_rows == 2
    assert (keys[0], keys[-1], keys[0:2], list(reversed(keys))) == (1, 3, [1, 3], [3, 1])
    with pytest.raises(IndexError):
        keys[2]
    assert len(segment.sample(1)) == 1
    with pytest.raises(segmentry.SegmentryError) as raised:
        segment.members(["nmae"])
    assert raised.value.code == "missing_column"


def test_keys_of_text() -> None:
    engine = SegmentEngine(":memory:")
    engine.add_arrow("users", pa.table({"user_id": ["b", "a", "ü"], "city_tier": [1, 1, 2]}))
    engine.refresh(engine.create_rule(TIER_1))
    segment = engine.segment(1)
    assert segment.keys().to_pylist() == polars.DataFrame(segment)["user_id"].to_list() == ["a", "b"]
    assert "a" in segment and "ü" not in segment and 1 not in segment
    assert segment.keys()[1] == "b"
    for wrong in (None, 1.0, b"a"):
        with pytest.raises(TypeError, match="a key is an int or a str"):
            assert wrong in segment  # type: ignore[operator]


def test_every_type_that_a_query_gives() -> None:
    engine = SegmentEngine(":memory:")
    at = dt.datetime(2025, 1, 1, 12, tzinfo=dt.timezone.utc)
    table = pa.table(
        {
            "user_id": pa.array([1], pa.int64()),
            "at": pa.array([at], pa.timestamp("us", "UTC")),
            "day": pa.array([at.date()]),
            "ratio": pa.array([0.5], pa.float32()),
            "tags": pa.array([["a", "b"]]),
            "kind": pa.array(["x"]).dictionary_encode(),
            "nested": pa.array([{"a": 1}]),
        }
    )
    engine.add_arrow("users", table)
    found = pa.table(engine.sql("select * from users")).to_pylist()
    assert found == table.to_pylist()


def test_a_missing_library_is_told(segment: segmentry.Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    for library, call in {"pyarrow": segment.to_pandas, "polars": segment.to_polars}.items():
        with monkeypatch.context() as without:
            without.setitem(sys.modules, library, None)
            with pytest.raises(segmentry.MissingPackageError, match=r"pip install 'segmentry\[") as raised:
                call()
            assert raised.value.code == "unsupported"


def test_nothing_is_imported_that_was_not_asked_for() -> None:
    code = """
import sys, segmentry
engine = segmentry.SegmentEngine(":memory:")
assert engine.rules().total == 0
found = {"pyarrow", "pandas", "polars", "numpy", "tqdm", "altair", "IPython"} & set(sys.modules)
assert not found, found
"""
    subprocess.run([sys.executable, "-c", code], check=True)
