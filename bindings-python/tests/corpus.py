"""Reading `core/tests/cases`, which all languages run; its README says what is in it."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

TESTS = Path(__file__).parents[2] / "core" / "tests"
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@dataclass(frozen=True)
class Case:
    """One folder."""

    name: str
    model: str | None
    tables: dict[str, pa.Table]
    files: dict[str, Path]
    rules: list[str]
    """The documents as they stand in the file, to the last digit."""
    expected: dict[str, dict[str, Any]]
    """By instant, in order, then by the rule's name."""


def cases() -> list[Case]:
    """Every case, by name."""
    return [_case(folder) for folder in sorted((TESTS / "cases").iterdir()) if folder.is_dir()]


def _case(folder: Path) -> Case:
    about = json.loads((folder / "case.json").read_text())
    model = folder / "model.json"
    tables, files = {}, {}
    if about["data"] == "inline":
        data = json.loads((folder / "data.json").read_text())
        tables = {name: table_of(**table) for name, table in data.items()}
    else:
        shared = TESTS / "data" / about["data"]
        files = {file.stem: file for file in sorted(shared.glob("*.parquet"))}
    expected, as_of = json.loads((folder / "expected.json").read_text()), about["as_of"]
    if isinstance(as_of, str):
        by_instant = {as_of: expected}
    else:
        assert all(list(members) == as_of for members in expected.values()), folder
        by_instant = {at: {rule: members[at] for rule, members in expected.items()} for at in as_of}
    return Case(
        folder.name,
        model.read_text() if model.exists() else None,
        tables,
        files,
        list(items((folder / "rules.json").read_text())),
        by_instant,
    )


def items(text: str) -> Iterator[str]:
    """The members of a JSON list as they are written."""
    decoder, at = json.JSONDecoder(), text.index("[") + 1
    while True:
        at += len(text[at:]) - len(text[at:].lstrip(" \n\r\t,"))
        if text[at] == "]":
            return
        _, end = decoder.raw_decode(text, at)
        yield text[at:end]
        at = end


def table_of(columns: list[dict[str, str]], rows: list[list[Any]]) -> pa.Table:
    """A table of `data.json`, in several batches."""
    arrays = {
        column["name"]: _array(type_of(column["type"]), [row[at] for row in rows])
        for at, column in enumerate(columns)
    }
    table = pa.table(arrays)
    return pa.Table.from_batches(table.to_batches(max_chunksize=1 + len(rows) // 2), table.schema)


def type_of(text: str) -> pa.DataType:
    """The Arrow type of a type's name."""
    if match := re.fullmatch(r"list<(.*)>", text):
        return pa.list_(type_of(match[1]))
    if match := re.fullmatch(r"decimal\((\d+)(?:, *(\d+))?\)", text):
        return pa.decimal128(int(match[1]), int(match[2] or 0))
    if match := re.fullmatch(r"timestamp\[(\w+)(?:, *(.+))?\]", text):
        return pa.timestamp(match[1], tz=match[2])
    named = {"date": pa.date32(), "bool": pa.bool_(), "string": pa.string()}
    return named.get(text) or getattr(pa, text)()


def _array(kind: pa.DataType, cells: list[Any]) -> pa.Array:
    if pa.types.is_timestamp(kind):
        numbers = [None if cell is None else _instant(cell, UNITS[kind.unit]) for cell in cells]
        return pa.array(numbers, pa.int64()).view(kind)
    return pa.array([None if cell is None else _value(kind, cell) for cell in cells], kind)


def _value(kind: pa.DataType, cell: Any) -> Any:
    if cell is None:
        return None
    if pa.types.is_list(kind):
        return [_value(kind.value_type, each) for each in cell]
    if pa.types.is_decimal(kind):
        return decimal.Decimal(cell)
    if pa.types.is_floating(kind):
        return float(cell)
    if pa.types.is_date(kind):
        return dt.date.fromisoformat(cell)
    return cell


def _instant(text: str, unit: int) -> int:
    """A timestamp in its unit since 1970; Python's own have no nanoseconds."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = dt.datetime.fromisoformat(whole).replace(tzinfo=dt.timezone.utc) - dt.datetime.fromtimestamp(0, dt.timezone.utc)
    nanoseconds = (seconds.days * 86_400 + seconds.seconds) * 10**9 + int(fraction.ljust(9, "0") or 0)
    return nanoseconds // unit
