"""Seconds by number of rules, as a picture: one panel from Parquet, one from own tables."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

from .forms import Form  # noqa: E402
from .results import Results  # noqa: E402

COLORS = {
    "segmentry": "#d62728",
    "duckdb": "#1f77b4",
    "polars": "#2ca02c",
    "datafusion": "#9467bd",
    "spark": "#7f7f7f",
}
# By the last word of a form's name.
LINES = {
    "rules": ("-", "o"),
    "clustered": ("-", "v"),
    "one": ("--", "s"),
    "together": ("--", "s"),
    "features": (":", "^"),
    "narrowed": ("-.", "D"),
}
PANELS = {"parquet": "From Parquet", "own": "From own tables, or the store"}


def draw(results: Results, path: Path) -> bool:
    """Writes the picture; whether there was anything to draw."""
    sources = [source for source in PANELS if any(run.section == source for run in results.runs)]
    if not sources:
        return False
    figure, axes = plt.subplots(
        1, len(sources), figsize=(7.5 * len(sources), 7.5), sharey=True, squeeze=False
    )
    for axis, source in zip(axes[0], sources, strict=True):
        _panel(axis, results, source)
    axes[0][0].set_ylabel("seconds, from opening to the members of all rules")
    users, events = results.data.users, results.data.events
    figure.suptitle(f"The same rules on {users:,} users and {events:,} events, two threads")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return True


def _panel(axis: Axes, results: Results, source: str) -> None:
    cases = [case for case in results.cases if case.section == source]
    for form in results.forms(cases):
        medians = [(case.rules, results.median(case, form.name)) for case in cases]
        _line(axis, form, [(rules, seconds) for rules, seconds in medians if seconds is not None])
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks([case.rules for case in cases], [f"{case.rules:,}" for case in cases])
    axis.minorticks_off()
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.yaxis.set_tick_params(labelleft=True)
    axis.set_xlabel("rules")
    axis.set_title(PANELS[source])
    axis.grid(True, which="major", color="#dddddd")
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncol=2, fontsize=9, frameon=False)


def _line(axis: Axes, form: Form, points: list[tuple[int, float]]) -> None:
    """One form: its engine's colour, and the line and mark of forms of its kind."""
    ours = form.engine == "segmentry"
    line, mark = LINES.get(form.name.split()[-1], ("-", "o"))
    rules, seconds = zip(*points, strict=True)
    axis.plot(
        rules,
        seconds,
        color=COLORS[form.engine],
        linestyle=line,
        marker=mark,
        linewidth=3 if ours else 1.6,
        zorder=3 if ours else 2,
        label=form.label,
    )
