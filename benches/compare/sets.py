"""Two segments of half a population each: what they have in common, here and in DuckDB.

`python -m compare.sets <folder>` is DuckDB's part, on the keys that the segments have exported.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from .measure import THREADS, digest
from .runner import Disagreement, process

TRIES = 7


def measure(binary: Path, users: int, folder: Path) -> dict[str, Any]:
    """Both, of the same two segments; their common members must be the same."""
    folder.mkdir()
    ours = process([str(binary), "sets", "--users", str(users), "--folder", str(folder)])
    theirs = process([sys.executable, "-m", "compare.sets", str(folder)])
    if ours["members"]["Both"] != theirs["members"]:
        raise Disagreement("DuckDB's INTERSECT has other members than the segments' intersection")
    times = {name: ours[name] for name in ("intersection", "count", "overlap", "contains")}
    duckdb_times = {name: theirs[name] for name in ("intersection", "count")}
    return {"users": users, "sizes": ours["sizes"], "segmentry": times, "duckdb": duckdb_times}


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(TRIES):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Loads the two, and takes the median of several tries on warm tables."""
    folder = Path(sys.argv[1])
    connection = duckdb.connect(config={"threads": THREADS})
    for name in ("first", "second"):
        file = folder / f"{name}.parquet"
        connection.execute(f"CREATE TABLE {name} AS SELECT id FROM '{file}'")
    query = "SELECT id FROM first INTERSECT SELECT id FROM second"
    keys = connection.execute(query).fetchnumpy()["id"]
    answer = {
        "intersection": _median(lambda: connection.execute(query).fetchnumpy()),
        "count": _median(lambda: connection.execute(f"SELECT count(*) FROM ({query})").fetchall()),
        "members": digest(keys),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
