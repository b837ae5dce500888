"""What was measured, with what is needed to read it: versions, machine, sizes."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import subprocess
import tomllib
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .data import Data
from .forms import FORMS, Case, Form
from .measure import THREADS
from .runner import Run

REPOSITORY = Path(__file__).parents[2]
BY_NAME = {form.name: form for form in FORMS}
OURS = {"parquet": "segmentry", "own": "segmentry store"}


@dataclass
class Results:
    """Everything that the report and the plot are made of."""

    data: Data
    rounds: int
    cases: list[Case]
    runs: list[Run] = field(default_factory=list)
    # Seconds that tables of its own took to make.
    loading: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    sets: dict[str, Any] | None = None
    seconds: float = 0.0

    def of(self, case: Case, form: str) -> list[Run]:
        """The rounds of a form in a case."""
        key = (case.section, case.source, case.rules, case.share, case.edges, form)
        return [
            run
            for run in self.runs
            if (run.section, run.source, run.rules, run.share, run.edges, run.form) == key
        ]

    def forms(self, cases: list[Case]) -> list[Form]:
        """Those that were run in one of the cases."""
        found = {
            run.form for case in cases for form in case.forms for run in self.of(case, form.name)
        }
        return [form for form in FORMS if form.name in found]

    def median(self, case: Case, form: str) -> float | None:
        """The median of a form's seconds in a case."""
        seconds = [run.seconds for run in self.of(case, form)]
        return statistics.median(seconds) if seconds else None

    def best(self, case: Case, engine: str) -> Form | None:
        """The form of an engine with the least median."""
        medians = {
            form: median
            for form in case.forms
            if form.engine == engine and (median := self.median(case, form.name)) is not None
        }
        return min(medians, key=lambda form: medians[form]) if medians else None

    def rivals(self, case: Case, engine: str) -> list[tuple[Form, float]]:
        """The best form of an engine, then its plainest, and how many times longer they take.

        The median of the ratios of the rounds that a form and ours both have. An engine that has
        no tables of its own is compared as it does the same rules from Parquet.
        """
        same = [other for other in self.cases if other.kind == case.kind]
        for other in sorted(same, key=lambda other: other.source != case.source):
            best = self.best(other, engine)
            if best is not None:
                plainest = [form for form in other.forms if form.name.endswith("rules")]
                forms = [best, *(form for form in plainest if form.engine == engine)]
                found = {form: self._ratio(case, other, form) for form in dict.fromkeys(forms)}
                return [(form, ratio) for form, ratio in found.items() if ratio is not None]
        return []

    def _ratio(self, case: Case, other: Case, form: Form) -> float | None:
        ours = {run.round: run.seconds for run in self.of(case, OURS[case.source])}
        theirs = {run.round: run.seconds for run in self.of(other, form.name)}
        ratios = [theirs[round_] / ours[round_] for round_ in theirs if round_ in ours]
        return statistics.median(ratios) if ratios else None

    def document(self) -> dict[str, Any]:
        """All of it, for a file."""
        return {
            "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "machine": machine(),
            "versions": versions(),
            "users": self.data.users,
            "events": self.data.events,
            "bytes": {
                "users": self.data.users_file.stat().st_size,
                "events": self.data.events_file.stat().st_size,
            },
            "threads": THREADS,
            "rounds": self.rounds,
            "seconds": self.seconds,
            "loading": self.loading,
            "left_out": self.left_out,
            "sets": self.sets,
            "runs": [_noted(run) for run in self.runs],
        }


def _noted(run: Run) -> dict[str, Any]:
    """A run with what there is to know of the sizes of its segments, and not each."""
    noted = asdict(run)
    counts = noted.pop("counts")
    sizes = {"least": min(counts), "median": statistics.median(counts), "most": max(counts)}
    return {**noted, "members": sizes}


def machine() -> dict[str, Any]:
    """Whose times these are."""
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "memory": memory,
        "system": platform.system(),
    }


def versions() -> dict[str, str]:
    """Of all engines, and of what they run on."""
    cargo = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())
    ours = str(cargo["workspace"]["package"]["version"])
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    commit = subprocess.run(command, capture_output=True, text=True)
    if commit.returncode == 0:
        ours += f" ({commit.stdout.strip()})"
    found = {"Segmentry": ours}
    names = {"DuckDB": "duckdb", "Polars": "polars", "DataFusion": "datafusion", "Spark": "pyspark"}
    for name, package in names.items():
        found[name] = importlib.metadata.version(package)
    return {**found, "Python": platform.python_version()}
