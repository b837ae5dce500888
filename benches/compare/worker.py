"""One timed run of one form, in a process of its own; prints one line of JSON.

`python -m compare.worker <form> <home> <users> <events> <rules.json>`
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from . import data
from .measure import THREADS, Job, digest
from .rules import read


def form_of(name: str, tables: Path) -> Callable[[Job], list[np.ndarray]]:
    """The form; only its own engine is imported."""
    engine = name.split()[0]
    if engine == "duckdb":
        from . import on_duckdb

        return on_duckdb.forms(tables)[name]
    if engine == "polars":
        from . import on_polars

        return on_polars.forms()[name]
    if engine == "datafusion":
        from . import on_datafusion

        return on_datafusion.forms()[name]
    from . import on_spark

    return on_spark.forms()[name]


def main() -> None:
    """Runs the form and prints what it took and a digest of each rule's members."""
    name, home, users, events, rules = sys.argv[1:]
    made = data.make(Path(home), int(users), int(events))
    form = form_of(name, made.folder / "tables.duckdb")
    job = Job(made, read(Path(rules)))
    job.start()
    members = form(job)
    answer = {"seconds": job.seconds(), "parts": job.parts, "peak": job.peak(), "threads": THREADS}
    answer["members"] = [digest(keys) for keys in members]
    print(json.dumps(answer))


main()
