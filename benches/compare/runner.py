"""Runs the forms of a case in turns, each in a new process, and compares their members."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import rules as rules_
from .data import AS_OF_TEXT, Data
from .forms import Case, Form
from .measure import THREADS

BENCHES = Path(__file__).parents[1]
NO_STORE = "no store yet"


class Disagreement(Exception):
    """Two forms have different members for one rule."""


class LeftOut(Exception):
    """A form can't be run here, for the reason given."""


@dataclass
class Run:
    """What one form took in one round of a case."""

    section: str
    source: str
    rules: int
    share: float
    edges: int
    form: str
    round: int
    seconds: float
    peak: int
    # What parts of it took: stages, tables made first.
    parts: dict[str, float]
    # How many members each rule has.
    counts: list[int]
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def evaluation(self) -> float:
        """Segmentry's run without publishing."""
        return float(self.report["seconds"]) - self.parts["publish"]


@dataclass
class Runner:
    """Where everything is that a run needs."""

    data: Data
    binary: Path
    work: Path
    left_out: dict[str, str] = field(default_factory=dict)
    # What making Segmentry's store took.
    stores: dict[str, float] = field(default_factory=dict)

    def case(self, case: Case) -> list[Run]:
        """All rounds of a case; in each, another form begins."""
        maker = rules_.RuleMaker(self.data)
        runs = []
        for round_ in range(case.rounds):
            wanted = [form for form in case.forms if self._wants(form, case, round_)]
            if not wanted:
                continue
            made = maker.make(case.rules, case.share, case.edges, round_)
            rules_.write(made, self.work / "rules.json")
            start = round_ % len(wanted)
            runs += self._round(case, round_, wanted[start:] + wanted[:start], made)
        return runs

    def _wants(self, form: Form, case: Case, round_: int) -> bool:
        often = case.rounds_of(form, self.data.events)
        return round_ < often and form.name not in self.left_out

    def _round(
        self, case: Case, round_: int, forms: list[Form], made: list[rules_.Rule]
    ) -> list[Run]:
        runs: list[Run] = []
        expected: tuple[str, list[list[int]]] | None = None
        for form in forms:
            try:
                answer = self._answer(form, made)
            except LeftOut as reason:
                self.left_out[form.name] = str(reason)
                print(f"  {form.label} is left out: {reason}", flush=True)
                continue
            members = answer.pop("members")
            expected = expected or (form.label, members)
            agree(made, expected, (form.label, members))
            counts = [digest[0] for digest in members]
            kind = (case.section, case.source, case.rules, case.share, case.edges)
            runs.append(Run(*kind, form.name, round_, counts=counts, **answer))
            print(f"  round {round_ + 1}  {answer['seconds']:>8.2f} s  {form.label}", flush=True)
        return runs

    def _answer(self, form: Form, made: list[rules_.Rule]) -> dict[str, Any]:
        """What a new process says: seconds, peak, parts, report, and each rule's digest."""
        if form.engine == "segmentry":
            return self._ours(form, made)
        sizes = [str(self.data.users), str(self.data.events)]
        home, rules = str(self.data.folder.parent), str(self.work / "rules.json")
        command = [sys.executable, "-m", "compare.worker", form.name, home, *sizes, rules]
        answer = process(command)
        return {name: answer[name] for name in ("seconds", "peak", "parts", "members")}

    def _ours(self, form: Form, made: list[rules_.Rule]) -> dict[str, Any]:
        """A catalog with the rules is made first, in a process of its own."""
        for old in self.work.glob("catalog.db*"):
            old.unlink()
        common = ["--data", str(self.data.folder), "--catalog", str(self.work / "catalog.db")]
        if form.source == "own":
            common += ["--store", str(self.data.folder / "store")]
        rules = ["--rules", str(self.work / "rules.json")]
        when = ["--as-of", AS_OF_TEXT]
        prepared = process([str(self.binary), "prepare", *common, *rules, *when])
        if form.source == "own":
            self.stores.setdefault("Segmentry's store", prepared["filled"])
        answer = process([str(self.binary), "run", *common, *when])
        report = answer["run"]
        return {
            "seconds": answer["seconds"],
            "peak": answer["peak"],
            "parts": {"opening": answer["opening"], **report["stages"]},
            "report": report,
            "members": [answer["members"][rule.name] for rule in made],
        }


def process(command: list[str]) -> dict[str, Any]:
    """The JSON of the last line that a process prints."""
    threads = {"POLARS_MAX_THREADS": str(THREADS)}
    done = subprocess.run(
        command, cwd=BENCHES, env={**os.environ, **threads}, capture_output=True, text=True
    )
    if NO_STORE in done.stderr:
        raise LeftOut(NO_STORE)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[-4000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def agree(
    made: list[rules_.Rule],
    expected: tuple[str, list[list[int]]],
    found: tuple[str, list[list[int]]],
) -> None:
    """Fails where the two have other members, naming the rule and both."""
    for rule, left, right in zip(made, expected[1], found[1], strict=True):
        if left != right:
            counts = f"{left[0]:,} by {expected[0]!r}, {right[0]:,} by {found[0]!r}"
            raise Disagreement(f"{counts}, of {json.dumps(rule.document())}")
