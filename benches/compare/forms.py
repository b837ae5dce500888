"""Which forms there are, at which numbers of rules they are run, and how often."""

from __future__ import annotations

from dataclasses import dataclass

# About what 40 million events take; a form that takes longer in one case is measured once.
OFTEN_SECONDS = 5.0
STANDARD_EVENTS = 40_000_000


@dataclass(frozen=True)
class Form:
    """One way of one engine, with about what it takes on two cores and 40 million events."""

    name: str
    label: str
    # "parquet" or "own": its own tables, or the store.
    source: str
    fixed: float
    each: float
    # It is run from so many rules on, and until so many unless all is asked for.
    least: int = 1
    most: int = 1_000
    # It may be the fastest of its engine: measured in every section and every round.
    contender: bool = False
    # Seconds before it is timed, whatever the data.
    start: float = 1.0

    @property
    def engine(self) -> str:
        return self.name.split()[0]

    def seconds(self, rules: int, events: int) -> float:
        """About what it takes."""
        return self.start + (self.fixed + self.each * rules) * events / STANDARD_EVENTS


FORMS = [
    Form("segmentry", "Segmentry", "parquet", 1.0, 0.009, contender=True),
    Form("duckdb rules", "DuckDB, one query per rule", "parquet", 0.3, 0.12),
    Form("duckdb one", "DuckDB, all rules in one query", "parquet", 1, 0.6, least=10, most=100),
    Form("duckdb features", "DuckDB, feature table first", "parquet", 5, 0.01, least=100),
    Form("duckdb narrowed", "DuckDB, narrowed table first", "parquet", 2, 0.008, 10, 1_000, True),
    Form("polars rules", "Polars, one query per rule", "parquet", 0.2, 0.11, most=100),
    Form("polars together", "Polars, all queries together", "parquet", 0.3, 0.14, 10, 100),
    Form("polars narrowed", "Polars, narrowed table first", "parquet", 6, 0.01, least=100),
    Form("datafusion rules", "DataFusion, one query per rule", "parquet", 0.3, 0.2, most=100),
    Form("datafusion narrowed", "DataFusion, narrowed table first", "parquet", 4, 0.03, 100, 100),
    Form("spark rules", "Spark, warm, one job per rule", "parquet", 0.5, 2.2, 10, 10, start=75),
    Form("segmentry store", "Segmentry, from its store", "own", 0.5, 0.004, contender=True),
    Form("duckdb own rules", "DuckDB, one query per rule", "own", 0.2, 0.056, most=100),
    Form("duckdb own one", "DuckDB, all rules in one query", "own", 1, 0.55, least=10, most=10),
    Form("duckdb own features", "DuckDB, feature table first", "own", 5, 0.01, 100, 100),
    Form("duckdb own narrowed", "DuckDB, narrowed table first", "own", 2, 0.008, 10, 1_000, True),
    Form(
        "duckdb own clustered",
        "DuckDB, one query per rule, table by category",
        "own",
        0.1,
        0.012,
        contender=True,
    ),
]


@dataclass(frozen=True)
class Case:
    """Rules of one kind, from one kind of source: what is measured side by side."""

    section: str
    source: str
    rules: int
    share: float
    edges: int
    forms: tuple[Form, ...]
    rounds: int

    def rounds_of(self, form: Form, events: int) -> int:
        """How often a form is measured: once if it is slow and can't be the fastest."""
        often = form.contender or form.seconds(self.rules, events) <= OFTEN_SECONDS
        return self.rounds if often else 1

    @property
    def kind(self) -> tuple[int, float, int]:
        """Cases of one kind have the same rules."""
        return self.rules, self.share, self.edges

    @property
    def title(self) -> str:
        source = "Parquet" if self.source == "parquet" else "own tables"
        kind = f"{self.share:.0%} distinct metrics, {self.edges} windows"
        return f"{self.rules:,} rule{'s' if self.rules > 1 else ''} from {source}, {kind}"


@dataclass(frozen=True)
class Asked:
    """What is to be measured."""

    sections: list[str]
    counts: list[int]
    shares: list[float]
    edges: int
    engines: list[str]
    rounds: int
    # Of the sections `shares` and `edges`.
    beside_rounds: int
    # Slow forms with many rules as well.
    everything: bool


def cases(asked: Asked) -> list[Case]:
    """What the sections ask for; all metrics distinct where they do not say otherwise."""
    usual, most = 25, max(asked.counts)
    made = []
    for section in asked.sections:
        if section in ("parquet", "own"):
            kinds = [(section, count, 1.0, usual) for count in asked.counts]
        elif section == "shares":
            # What is beside them is already there, or measured here.
            beside = [] if "parquet" in asked.sections else [1.0]
            kinds = [("parquet", most, share, usual) for share in beside + asked.shares]
        elif section == "edges":
            kinds = []
            for source in ("parquet", "own"):
                lengths = [asked.edges] if source in asked.sections else [usual, asked.edges]
                kinds += [(source, most, 1.0, length) for length in lengths]
        else:
            kinds = []
        made += [_case(asked, section, *kind) for kind in kinds]
    return made


def _case(asked: Asked, section: str, source: str, rules: int, share: float, edges: int) -> Case:
    beside = section in ("shares", "edges")
    forms = [form for form in FORMS if form.source == source and form.engine in asked.engines]
    if not asked.everything:
        forms = [form for form in forms if form.least <= rules <= form.most]
        forms = [form for form in forms if form.contender or not beside]
    rounds = asked.beside_rounds if beside else asked.rounds
    return Case(section, source, rules, share, edges, tuple(forms), rounds)
