"""The population and its year of events, written as Parquet and kept.

`users.parquet`: user_id BIGINT 1 to N, city_tier INT 1 to 3, churned BOOLEAN, country TEXT, null
for 1 in 20. `events.parquet`, in the order of time: user_id BIGINT, transaction_date
TIMESTAMP(us), amount DECIMAL(12,2), category TEXT. The busiest tenth of the users has a third of
the events, the busiest user of a million 40,000 of 40 million; amounts are log-normal with a median
of 600.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

# A change of what is made needs a new version.
VERSION = 1
SEED = 40
ROW_GROUP = 1_048_576
# Prime, so that it has no divisor in common with a number of users that is not its multiple.
SCATTER = 7_368_787

MICROSECONDS = 1_000_000
YEAR_START = 1_735_689_600 * MICROSECONDS  # 2025-01-01T00:00:00Z
YEAR_END = 1_767_225_600 * MICROSECONDS  # 2026-01-01T00:00:00Z
AS_OF = 1_766_620_800 * MICROSECONDS  # 2025-12-25T00:00:00Z, near the end of the data
AS_OF_TEXT = "2025-12-25T00:00:00Z"

CATEGORIES = [
    "Groceries", "Dining", "Fuel", "Utilities", "Travel", "Electronics", "Fashion", "Health",
    "Education", "Entertainment", "Furniture", "Gardening", "Insurance", "Jewellery", "Pets",
    "Rent", "Sports", "Telecom", "Toys", "Transport",
]  # fmt: skip

USERS_SCHEMA = pa.schema(
    [
        pa.field("user_id", pa.int64(), nullable=False),
        pa.field("city_tier", pa.int32(), nullable=False),
        pa.field("churned", pa.bool_(), nullable=False),
        pa.field("country", pa.string()),
    ]
)
EVENTS_SCHEMA = pa.schema(
    [
        pa.field("user_id", pa.int64(), nullable=False),
        pa.field("transaction_date", pa.timestamp("us"), nullable=False),
        pa.field("amount", pa.decimal128(12, 2), nullable=False),
        pa.field("category", pa.dictionary(pa.int32(), pa.string()), nullable=False),
    ]
)


@dataclass(frozen=True)
class Data:
    """The folder with the two files, and how many rows they have."""

    folder: Path
    users: int
    events: int

    @property
    def users_file(self) -> Path:
        return self.folder / "users.parquet"

    @property
    def events_file(self) -> Path:
        return self.folder / "events.parquet"


def default_home() -> Path:
    """Where the data is kept unless it is said otherwise."""
    return Path.home() / ".cache" / "segmentry" / "compare"


def make(home: Path, users: int, events: int) -> Data:
    """The data of that many users and events; written first if it is not there."""
    data = Data(home / f"v{VERSION}-{users}-{events}", users, events)
    if data.folder.exists():
        return data
    print(f"writing {users:,} users and {events:,} events to {data.folder}", flush=True)
    home.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=home))
    try:
        _write(partial / "users.parquet", USERS_SCHEMA, users, lambda at: _users(at, users))
        _write(
            partial / "events.parquet", EVENTS_SCHEMA, events, lambda at: _events(at, users, events)
        )
        os.replace(partial, data.folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return data


def _write(path: Path, schema: pa.Schema, rows: int, make_chunk: Callable[[int], pa.Table]) -> None:
    """Writes one row group per chunk, while the next chunk is made."""
    options = {
        "compression": "zstd",
        "compression_level": 1,
        "store_decimal_as_integer": True,
        # Without it a dictionary is read as the strings that it stands for.
        "store_schema": False,
    }
    with pq.ParquetWriter(path, schema, **options) as writer:
        for chunk in _ahead(make_chunk, -(-rows // ROW_GROUP)):
            writer.write_table(chunk, row_group_size=ROW_GROUP)


def _ahead(make_chunk: Callable[[int], pa.Table], count: int) -> Iterator[pa.Table]:
    """The chunks in order, each made while the one before it is used."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(make_chunk, 0)
        for at in range(1, count):
            chunk = coming.result()
            coming = pool.submit(make_chunk, at)
            yield chunk
        yield coming.result()


def _users(chunk: int, users: int) -> pa.Table:
    first = chunk * ROW_GROUP
    count = min(ROW_GROUP, users - first)
    random = np.random.default_rng([SEED, 0, chunk])
    tiers = np.searchsorted([0.3, 0.7], random.random(count), side="right") + 1
    countries = random.choice(4, count, p=[0.85, 0.05, 0.05, 0.05])
    country = pa.array(["IN", "SG", "AE", None]).take(pa.array(countries))
    keys = np.arange(first + 1, first + count + 1, dtype=np.int64)
    columns = [keys, tiers.astype(np.int32), random.random(count) < 0.15, country]
    return pa.table([pa.array(column) for column in columns], schema=USERS_SCHEMA)


def _events(chunk: int, users: int, events: int) -> pa.Table:
    first = chunk * ROW_GROUP
    count = min(ROW_GROUP, events - first)
    random = np.random.default_rng([SEED, 1, chunk])
    rank = (random.random(count) ** 2 * users).astype(np.int64)
    keys = rank * SCATTER % users + 1
    step = (YEAR_END - YEAR_START) // events
    numbers = np.arange(first, first + count, dtype=np.int64)
    times = YEAR_START + numbers * step + random.integers(0, max(step, 1), count)
    cents = np.rint(60_000 * np.exp(0.9 * random.standard_normal(count))).astype(np.int64)
    categories = random.integers(0, len(CATEGORIES), count, dtype=np.int32)
    columns = [
        pa.array(keys),
        pa.array(times).cast(pa.timestamp("us")),
        _decimals(cents),
        pa.DictionaryArray.from_arrays(categories, CATEGORIES),
    ]
    return pa.table(columns, schema=EVENTS_SCHEMA)


def _decimals(cents: np.ndarray) -> pa.Array:
    """Positive numbers of cents as decimals: the low half of 128 bits, the high one is 0."""
    words = np.zeros((len(cents), 2), dtype=np.int64)
    words[:, 0] = cents
    buffers = [None, pa.py_buffer(words)]
    return pa.Array.from_buffers(pa.decimal128(12, 2), len(cents), buffers)
