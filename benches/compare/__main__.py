"""`make compare`: makes the data, runs all engines in turns, writes a table and a plot."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from . import data as data_
from .data import Data
from .forms import FORMS, Asked, Case, cases
from .measure import THREADS
from .plot import draw
from .report import markdown
from .results import Results
from .runner import Disagreement, Runner
from .sets import measure as set_operations

SECTIONS = ["parquet", "own", "shares", "edges", "sets"]
ENGINES = list(dict.fromkeys(form.engine for form in FORMS))


def options() -> argparse.Namespace:
    """What the command line says."""
    target = os.environ.get("CARGO_TARGET_DIR", str(Path.home() / ".cache/segmentry/target"))
    parser = argparse.ArgumentParser(prog="compare", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=40_000_000)
    parser.add_argument("--rules", type=int, nargs="+", default=[1, 10, 100, 1_000])
    parser.add_argument(
        "--shares",
        type=float,
        nargs="+",
        default=[0.05, 0.25],
        help="distinct metrics per rule, for the section `shares`; elsewhere it is 1",
    )
    parser.add_argument(
        "--edges", type=int, default=220, help="distinct windows, for the section `edges`"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--beside-rounds", type=int, default=1, help="rounds of the sections `shares` and `edges`"
    )
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--all", action="store_true", help="slow forms with many rules as well")
    parser.add_argument("--data", type=Path, default=data_.default_home())
    parser.add_argument("--results", type=Path, default=Path(__file__).parents[1] / "results")
    parser.add_argument("--binary", type=Path, default=Path(target) / "release" / "compare-ours")
    return parser.parse_args()


def main() -> None:
    """Runs what was asked for."""
    asked = options()
    started = time.monotonic()
    if hasattr(os, "sched_setaffinity"):
        # Who is started from here has as many processors as it has threads.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    made = data_.make(asked.data, asked.users, asked.events)
    planned = cases(
        Asked(
            sections=asked.only,
            counts=asked.rules,
            shares=asked.shares,
            edges=asked.edges,
            engines=asked.engines,
            rounds=asked.rounds,
            beside_rounds=asked.beside_rounds,
            everything=asked.all,
        )
    )
    results = Results(made, asked.rounds, planned)
    tell_plan(planned, made)
    with tempfile.TemporaryDirectory(prefix="segmentry-compare-") as folder:
        work = Path(folder)
        if "sets" in asked.only:
            print("set operations", flush=True)
            results.sets = set_operations(asked.binary, 10 * made.users, work / "sets")
        if any(case.source == "own" for case in planned) and "duckdb" in asked.engines:
            results.loading |= duckdb_tables(made)
        runner = Runner(made, asked.binary, work)
        for case in planned:
            print(case.title, flush=True)
            results.runs += runner.case(case)
        results.left_out = runner.left_out
        results.loading |= runner.stores
    results.seconds = time.monotonic() - started
    write(results, asked.results)


def tell_plan(planned: list[Case], made: Data) -> None:
    """Says how long it will take, about."""
    seconds = 0.0
    for case in planned:
        for form in case.forms:
            often = case.rounds_of(form, made.events)
            seconds += often * form.seconds(case.rules, made.events)
    print(f"{len(planned)} cases, about {seconds / 60:.0f} minutes", flush=True)


def duckdb_tables(made: Data) -> dict[str, float]:
    """DuckDB's own tables, kept beside the data with what loading them took."""
    from .on_duckdb import load

    file, noted = made.folder / "tables.duckdb", made.folder / "tables.json"
    if not noted.exists():
        file.unlink(missing_ok=True)
        noted.write_text(json.dumps(load(made, file)))
    took = json.loads(noted.read_text())
    return {
        "DuckDB's table in the order of time": took["events"],
        "DuckDB's table in the order of category": took["events_by_category"],
    }


def write(results: Results, folder: Path) -> None:
    """The table, the numbers and the picture; and prints the table."""
    folder.mkdir(parents=True, exist_ok=True)
    document = results.document()
    (folder / "compare.json").write_text(json.dumps(document, indent=1))
    drawn = draw(results, folder / "compare.png")
    page = markdown(results, document, "compare.png" if drawn else None)
    (folder / "compare.md").write_text(page)
    print(f"\n{page}\nwritten to {folder}")


try:
    main()
except Disagreement as disagreement:
    sys.exit(f"members differ: {disagreement}")
