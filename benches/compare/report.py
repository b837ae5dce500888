"""The results as Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable
from typing import Any

from .data import AS_OF_TEXT
from .forms import Case, Form
from .results import BY_NAME, OURS, Results
from .runner import Run

MIB = 1 << 20
# Source, number of rules, engine, and how many times longer its best form is to take than ours.
WANTED = [
    ("parquet", 1, "duckdb", 1),
    ("parquet", 100, "duckdb", 4),
    ("parquet", 1_000, "duckdb", 20),
    ("own", 100, "duckdb", 10),
    ("own", 1_000, "duckdb", 30),
    ("parquet", 10, "spark", 15),
    ("own", 10, "spark", 50),
]
NAMES = {"duckdb": "DuckDB", "polars": "Polars", "datafusion": "DataFusion", "spark": "Spark"}
# What is made once before, and the form that it is for.
MADE = {
    "Segmentry's store": "segmentry store",
    "DuckDB's table in the order of time": "duckdb own rules",
    "DuckDB's table in the order of category": "duckdb own clustered",
}
STAGES = ["opening", "bind", "population", "evaluate", "publish"]
SOURCES = {"parquet": "Parquet", "own": "own tables"}


def markdown(results: Results, document: dict[str, Any], plot: str | None) -> str:
    """The whole page."""
    parts = [_head(document)]
    if plot:
        parts.append(f"![Seconds by number of rules]({plot})")
    parts += _section(results, "parquet", "From Parquet", _count)
    parts += _section(results, "own", "From own tables, or the store", _count)
    parts += _section(results, "shares", "By distinct metrics per rule", _share)
    parts += _section(results, "edges", "By the number of different windows", _edges)
    parts += _ratios(results)
    parts += _ours(results)
    parts += _memory(results)
    parts += _loading(results)
    parts += _sets(results)
    parts.append(_notes(results))
    return "\n\n".join(parts) + "\n"


def _head(document: dict[str, Any]) -> str:
    machine = document["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    megabytes = document["bytes"]["events"] / 1e6
    lines = [
        "# The same rules on several engines",
        f"""{document["date"]}; {machine["processor"]}, {machine["cores"]} cores,
{machine["memory"] / 2**30:.0f} GiB; {versions}.
{document["threads"]} threads each. {document["users"]:,} users and {document["events"]:,} events
of a year, in the order of time, {megabytes:,.0f} MB of Parquet.""",
        f"""A rule is an aggregate (sum, count, avg, min, max) of the events of one of 20 categories
in a window that ends at {AS_OF_TEXT}, compared with a threshold, and a city tier. Each timed run
is a new process with the files in the page cache, from opening to the keys of the members of all
rules; Segmentry's is until they are published in its catalog, which has the rules but has had no
run. In each round all forms take turns with the same rules, and have the same members; the next
round has other rules.""",
        f"""Seconds, the median of {document["rounds"]} rounds; ¹ measured once; – not run.""",
    ]
    return "\n\n".join(lines)


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _section(
    results: Results, section: str, title: str, column: Callable[[Case], str]
) -> list[str]:
    """A row for each form, a column for each case; none if nothing was run."""
    cases = [case for case in results.cases if case.section == section]
    if section in ("shares", "edges"):
        cases = _with_usual(results, cases)
        title = f"{title}, {cases[0].rules:,} rules" if cases else title
    forms = results.forms([case for case in cases if case.section == section])
    rows = []
    for label in dict.fromkeys(form.label for form in forms):
        names = [form.name for form in forms if form.label == label]
        runs = [[run for name in names for run in results.of(case, name)] for case in cases]
        rows.append([label, *map(_cell, runs)])
        if names[0] in OURS.values():
            rows.append(["– of which evaluation", *map(_evaluation, runs)])
        elif any(run.parts for its in runs for run in its):
            rows.append(["– of which making the table", *map(_table_made, runs)])
    return [f"## {title}", _table(["", *map(column, cases)], rows)] if rows else []


def _with_usual(results: Results, cases: list[Case]) -> list[Case]:
    """The cases of a section, after the usual ones of as many rules from the same sources."""
    rules = {case.source: case.rules for case in cases}
    usual = [case for case in results.cases if rules.get(case.section) == case.rules]
    return sorted(usual + cases, key=lambda case: (case.source == "own", -case.share, case.edges))


def _count(case: Case) -> str:
    return f"{case.rules:,} rule{'s' if case.rules > 1 else ''}"


def _share(case: Case) -> str:
    return f"{case.share:g}"


def _edges(case: Case) -> str:
    return f"{SOURCES[case.source]}, {case.edges}"


def _cell(runs: list[Run]) -> str:
    if not runs:
        return "–"
    once = "¹" if len(runs) == 1 else ""
    return f"{statistics.median(run.seconds for run in runs):.2f}{once}"


def _evaluation(runs: list[Run]) -> str:
    return f"{statistics.median(run.evaluation for run in runs):.2f}" if runs else "–"


def _table_made(runs: list[Run]) -> str:
    return f"{statistics.median(sum(run.parts.values()) for run in runs):.2f}" if runs else "–"


def _ratios(results: Results) -> list[str]:
    """How many times faster ours is than the best form of each engine, and than the plainest."""
    rows = []
    for case in results.cases:
        for engine, name in NAMES.items():
            for number, (form, times) in enumerate(results.rivals(case, engine)):
                kind = "best" if number == 0 else "plainest"
                wanted = _wanted(case, engine) if number == 0 else ""
                rival = f"{name}, {_form(form)}"
                rows.append([_where(case), kind, rival, _times(times), wanted])
    if not rows:
        return []
    header = ["rules", "form", "against", "times faster", "wanted"]
    return ["## How many times faster Segmentry is", _table(header, rows)]


def _where(case: Case) -> str:
    kind = {"shares": f", {case.share:g} metrics each", "edges": f", {case.edges} windows"}
    return f"{_count(case)} from {SOURCES[case.source]}{kind.get(case.section, '')}"


def _form(form: Form) -> str:
    return form.label.split(", ", 1)[1]


def _times(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"


def _wanted(case: Case, engine: str) -> str:
    usual = case.section in ("parquet", "own")
    for source, rules, against, times in WANTED:
        if usual and (source, rules, against) == (case.source, case.rules, engine):
            return str(times)
    return ""


def _ours(results: Results) -> list[str]:
    """Where our time goes."""
    rows = []
    noted = {stage for run in results.runs if run.form in OURS.values() for stage in run.parts}
    stages = sorted(noted, key=lambda stage: (STAGES + [stage]).index(stage))
    for case in results.cases:
        runs = results.of(case, OURS[case.source])
        if runs:
            taken = ([run.parts.get(stage, 0.0) for run in runs] for stage in stages)
            medians = [f"{statistics.median(seconds):.3f}" for seconds in taken]
            rows.append([_where(case), *medians, f"{runs[0].report['users_evaluated']:,}"])
    if not rows:
        return []
    header = ["rules", *stages, "users evaluated"]
    return ["## Where Segmentry's seconds go", _table(header, rows)]


def _memory(results: Results) -> list[str]:
    """The peak of each form, its members included, in the largest case of each source."""
    rows = []
    for source, where in SOURCES.items():
        cases = [case for case in results.cases if case.section == source]
        for form in results.forms(cases):
            runs = [run for case in cases for run in results.of(case, form.name)]
            most = max(run.rules for run in runs)
            peak = max(run.peak for run in runs if run.rules == most)
            rows.append([form.label, where, f"{most:,}", f"{peak / MIB:,.0f}"])
    if not rows:
        return []
    header = ["", "from", "rules", "MiB"]
    return ["## Peak memory, with the members of all rules", _table(header, rows)]


def _loading(results: Results) -> list[str]:
    """What making tables took, and when it has paid."""
    if not results.loading:
        return []
    rows = [[name, f"{seconds:.1f}"] for name, seconds in results.loading.items()]
    parts = ["## Made once, before", _table(["", "seconds"], rows)]
    lines = [_pays(results, case, name) for case in results.cases for name in results.loading]
    lines = [line for line in lines if line]
    return [*parts, "\n".join(lines)] if lines else parts


def _pays(results: Results, case: Case, made: str) -> str:
    """After how many runs a table has paid, against the engine's best form from Parquet."""
    form = BY_NAME[MADE[made]]
    own = results.median(case, form.name)
    plain = [
        other for other in results.cases if (other.section, other.rules) == ("parquet", case.rules)
    ]
    best = results.best(plain[0], form.engine) if plain else None
    seconds = results.median(plain[0], best.name) if best else None
    if case.section != "own" or own is None or seconds is None or own >= seconds:
        return ""
    runs = math.ceil(results.loading[made] / (seconds - own))
    return f"- {made} has paid after {runs:,} runs of {_count(case)}."


def _sets(results: Results) -> list[str]:
    if not results.sets:
        return []
    ours, theirs = results.sets["segmentry"], results.sets["duckdb"]
    sizes = " and ".join(f"{size:,}" for size in results.sets["sizes"])
    rows = [
        ["their intersection", _short(ours["intersection"]), _short(theirs["intersection"]),
         f"{theirs['intersection'] / ours['intersection']:,.0f}"],
        ["how many they have in common", _short(ours["count"]), _short(theirs["count"]),
         f"{theirs['count'] / ours['count']:,.0f}"],
        ["`overlap`, read from the catalog", _short(ours["overlap"]), "", ""],
        ["`contains`", _short(ours["contains"]), "", ""],
    ]  # fmt: skip
    title = f"## Two segments of {sizes} users, of {results.sets['users']:,}"
    return [title, _table(["", "Segmentry", "DuckDB's INTERSECT", "times faster"], rows)]


def _short(seconds: float) -> str:
    for unit, size in [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)]:
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _notes(results: Results) -> str:
    """What the words mean, how large the segments were, and what was not run."""
    lines = [
        "- *Feature table first*: sum, count, min and max of the events by category, tier, user",
        "  and the time between two windows' edges; then a query per category, window and tier.",
        "- *Narrowed table first*: the events of the longest window with their users' tiers, those",
        "  of a category and tier together; then the same queries on that. Both tables are made in",
        "  each run, since they hold for one instant.",
        "- *Evaluation* is Segmentry's run without opening the catalog and without publishing.",
    ]
    shares = [count / results.data.users for run in results.runs for count in run.counts]
    if shares:
        low, middle, high = min(shares), statistics.median(shares), max(shares)
        spread = f"{low:.2%} to {high:.0%} of the users, {middle:.1%} in the middle"
        lines.append(f"- A rule selected {spread}.")
    for form, reason in results.left_out.items():
        lines.append(f"- {BY_NAME[form].label}: {reason}.")
    lines.append(f"- All of it took {results.seconds / 60:.1f} minutes.")
    return "## Notes\n\n" + "\n".join(lines)
