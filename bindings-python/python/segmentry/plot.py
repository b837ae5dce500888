"""Plots of segments with Altair: `engine.plot.history("Lapsed big spenders")` for instance.

Every method gives an Altair chart, to be shown, changed further or saved. Altair is an optional extra,
`pip install "segmentry[plot]"`. Quantities are shades of one blue; where there are two things they are a blue and an
orange, which are told apart whatever colours one sees.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from segmentry._arrow import MissingPackageError
from segmentry._documents import named
from segmentry._drawing import ACCENT, BOX, HIGH, LINE, fitted, layout
from segmentry._html import WARN, spoken

if TYPE_CHECKING:
    from segmentry import SegmentEngine
    from segmentry._documents import Conditions, Instant, RuleRef
    from segmentry.types import SegmentVersion

WIDTH = 520


def _altair() -> Any:
    try:
        import altair
    except ImportError as error:
        raise MissingPackageError("altair", "a plot", "plot") from error
    return altair


class Plot:
    """The plots of an engine, `engine.plot`."""

    def __init__(self, engine: SegmentEngine):
        """The plots of what this engine has."""
        self._engine = engine

    def overlap(self, segments: Sequence[RuleRef]) -> Any:
        """How many members 2 to 200 segments, by rule's id or name, have in common: a square of each pair, the darker the
        more alike (Jaccard), with the number of users that are in both.

        Raises:
            MissingPackageError: altair is not installed.
            SegmentryError: what `engine.overlap` raises.
        """
        alt = _altair()
        found = self._engine.overlap(segments)
        sizes = {one.rule_id: one for one in found.segments}
        rows = [(one.rule_id, one.rule_id, one.row_count, 1.0) for one in found.segments]
        for pair in found.pairs:
            rows += [
                (pair.first, pair.second, pair.count, pair.jaccard),
                (pair.second, pair.first, pair.count, pair.jaccard),
            ]
        names = [one.segment_name for one in found.segments]
        values = [
            {
                "row": sizes[first].segment_name,
                "column": sizes[second].segment_name,
                "count": count,
                "jaccard": jaccard,
                "share": count / sizes[first].row_count if sizes[first].row_count else 0.0,
            }
            for first, second, count, jaccard in rows
        ]
        side = max(14, min(110, 960 // len(names)))
        axis = {"labelLimit": 220, "title": None}
        base = alt.Chart(alt.Data(values=values)).encode(
            alt.X("column:N", sort=names, axis=alt.Axis(orient="top", labelAngle=-30, **axis)),
            alt.Y("row:N", sort=names, axis=alt.Axis(**axis)),
            tooltip=[
                alt.Tooltip("row:N", title="of"),
                alt.Tooltip("column:N", title="also in"),
                alt.Tooltip("count:Q", title="users in both", format=","),
                alt.Tooltip("share:Q", title="share of the first", format=".1%"),
                alt.Tooltip("jaccard:Q", title="Jaccard", format=".3f"),
            ],
        )
        shade = alt.Color("jaccard:Q", title="Jaccard", scale=alt.Scale(scheme="blues", domain=[0, 1]))
        dark = alt.condition("datum.jaccard > 0.55", alt.value("white"), alt.value("#1b1b1b"))
        squares = base.mark_rect(stroke="white").encode(color=shade)
        counts = base.mark_text(fontSize=12).encode(text=alt.Text("count:Q", format=","), color=dark)
        legible = side >= 48
        size = {"width": side * len(names), "height": (max(34, side // 2) if legible else side) * len(names)}
        chart = squares + counts if legible else squares
        return chart.properties(title=_titled(alt, "Users in both segments"), **size)

    def history(self, segment: RuleRef) -> Any:
        """How large a segment, by rule's id or name, has been at each instant, and who came and went between.

        Raises:
            MissingPackageError: altair is not installed.
            SegmentryError: there is no such segment.
        """
        alt = _altair()
        found = self._engine.segment(named(segment))
        # A version says again what an earlier one did when an instant is refreshed twice.
        versions = {version.as_of: version for version in sorted(found.versions(), key=lambda one: one.version)}
        values = self._moves([versions[as_of] for as_of in sorted(versions)], found.rule_id)
        days = (max(versions) - min(versions)).days
        dated = "%b %Y" if days >= 60 else "%d %b" if days >= 3 else "%d %b %H:%M"
        base = alt.Chart(alt.Data(values=values)).encode(
            alt.X(
                "as_of:T",
                title=None,
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(grid=False, labelOverlap=True, format=dated),
            ),
            tooltip=[
                alt.Tooltip("utcyearmonthdatehoursminutes(as_of):T", title="as of (UTC)"),
                alt.Tooltip("users:Q", format=","),
                alt.Tooltip("entered:Q", format=","),
                alt.Tooltip("left:Q", format=","),
                alt.Tooltip("version:Q"),
            ],
        )
        size = base.mark_line(color=ACCENT, point=alt.OverlayMarkDef(color=ACCENT, size=45))
        size = size.encode(alt.Y("users:Q", title="users", axis=alt.Axis(format=",d", tickCount=5)))
        flow = {"size": max(3, min(18, WIDTH // (2 * len(values))))}
        moved = alt.Axis(format=",d", tickCount=4)
        came = base.mark_bar(color=ACCENT, **flow).encode(alt.Y("entered:Q", title="came, left", axis=moved))
        went = base.mark_bar(color=WARN, **flow).encode(alt.Y("left:Q", title="came, left", axis=moved))
        upper = size.properties(width=WIDTH, height=180, title=_titled(alt, found.segment_name))
        return (upper & (came + went).properties(width=WIDTH, height=90)).resolve_scale(x="shared")

    def _moves(self, versions: Sequence[SegmentVersion], rule: int) -> list[Mapping[str, Any]]:
        """Each version with who came and went since the instant before; the first has none before it."""
        values: list[Mapping[str, Any]] = []
        for before, version in zip([None, *versions], versions, strict=False):
            moved = {"entered": version.entered, "left": -version.exited}
            if before is None:
                moved = {}
            elif before.version != version.version - 1:  # the versions were not made in the order of their instants
                changes = self._engine.segment(rule, version=version.version).changes(before.version)
                moved = {"entered": len(changes.entered), "left": -len(changes.exited)}
            about = {"as_of": version.as_of.isoformat(), "users": version.row_count, "version": version.version}
            values.append({**about, **moved})
        return values

    def attrition(self, conditions: Conditions, as_of: Instant | None = None) -> Any:
        """How many users are left after each condition of a topmost `and`; elsewhere how many each takes by itself.

        Raises:
            MissingPackageError: altair is not installed.
            SegmentryError: what `engine.preview` raises.
        """
        alt = _altair()
        preview = self._engine.preview(conditions, as_of=as_of)
        steps = [("everyone", preview.of), *((spoken(step.text), step.count) for step in preview.steps)]
        if len(preview.steps) > 1 and preview.steps[-1].count != preview.count:
            steps.append(("all together", preview.count))
        values = [
            {
                "at": at,
                "condition": text,
                "users": count,
                "share": count / preview.of if preview.of else 0.0,
                "label": f"{count:,}  ({count / preview.of:.1%})" if preview.of else f"{count:,}",
            }
            for at, (text, count) in enumerate(steps)
        ]
        named = "datum.value == null ? '' : " + json.dumps([text for text, _ in steps]) + "[datum.value]"
        base = alt.Chart(alt.Data(values=values)).encode(
            alt.Y(
                "at:O",
                title=None,
                axis=alt.Axis(labelExpr=named, labelLimit=380, labelPadding=8, ticks=False, domain=False),
            ),
            alt.X("users:Q", axis=None, scale=alt.Scale(domain=[0, max(preview.of, 1) * 1.25])),
            tooltip=[
                alt.Tooltip("condition:N"),
                alt.Tooltip("users:Q", format=","),
                alt.Tooltip("share:Q", title="of all", format=".1%"),
            ],
        )
        bars = base.mark_bar(color=ACCENT, height=18, cornerRadiusEnd=2)
        labels = base.mark_text(align="left", dx=6).encode(text="label:N")
        title = _titled(alt, f"{preview.count:,} of {preview.of:,} users")
        return (bars + labels).properties(width=WIDTH, height=30 * len(values), title=title).configure_view(stroke=None)

    def lineage(self, rule: RuleRef) -> Any:
        """What a rule's segment comes from and what comes from it, by rule's id or name, from left to right.

        Raises:
            MissingPackageError: altair is not installed.
            SegmentryError: there is no such rule.
        """
        alt = _altair()
        found = self._engine.lineage(rule)
        plan = layout(found)
        x = {"scale": alt.Scale(domain=[0, plan.wide], nice=False), "axis": None}
        y = {"scale": alt.Scale(domain=[plan.high, 0], nice=False), "axis": None}
        lines, heads = _edges(plan)
        edges = alt.Chart(alt.Data(values=lines)).mark_line(color=LINE, strokeWidth=1.5, interpolate="monotone")
        edges = edges.encode(
            alt.X("x:Q", **x),
            alt.Y("y:Q", **y),
            detail="edge:N",
            order="at:Q",
            strokeDash=alt.StrokeDash(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=["named", "reused"], range=[[1, 0], [5, 4]]),
                legend=alt.Legend(orient="bottom") if any(line["kind"] == "reused" for line in lines) else None,
            ),
        )
        arrows = alt.Chart(alt.Data(values=heads)).mark_point(shape="triangle-right", filled=True, color=LINE, size=60)
        arrows = arrows.encode(alt.X("x:Q", **x), alt.Y("y:Q", **y), opacity=alt.value(1), tooltip="reason:N")
        boxes = alt.Chart(alt.Data(values=_boxes(found, plan)))
        told = [alt.Tooltip("name:N", title="rule"), "rule_id:Q", "users:N", alt.Tooltip("as_of:N", title="as of")]
        frame = boxes.mark_rect(cornerRadius=7, fill="#edf3f9").encode(
            alt.X("x:Q", **x),
            alt.Y("y:Q", **y),
            x2="x2:Q",
            y2="y2:Q",
            stroke=alt.condition("datum.root", alt.value(ACCENT), alt.value(LINE)),
            strokeWidth=alt.condition("datum.root", alt.value(2.5), alt.value(1)),
            tooltip=told,
        )
        texts = [
            boxes.mark_text(align="left", dx=10, dy=dy, fontSize=size, color=colour).encode(
                alt.X("x:Q", **x), alt.Y("middle:Q", **y), text=field
            )
            for field, dy, size, colour in (("label:N", -8, 12, "#1b1b1b"), ("users:N", 9, 11, "#5a5f66"))
        ]
        title = next((node.rule_name for node in found.nodes if node.rule_id == found.rule_id), str(rule))
        chart = alt.layer(edges, arrows, frame, *texts)
        return chart.properties(
            width=plan.wide, height=plan.high, title=_titled(alt, f"Lineage of {title}")
        ).configure_view(stroke=None)


def _titled(alt: Any, title: str) -> Any:
    return alt.TitleParams(title, anchor="start", frame="group")


def _edges(plan: Any) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The points of each edge in order, and its arrow's head."""
    lines: list[Mapping[str, Any]] = []
    heads: list[Mapping[str, Any]] = []
    for index, (edge, way) in enumerate(zip(plan.edges, plan.ways, strict=True)):
        stops = [plan.place[stop] for stop in way]
        points = [(stops[0][0] + BOX, stops[0][1])]
        for left, middle in stops[1:-1]:
            points += [(left, middle), (left + BOX, middle)]
        (left, middle) = stops[-1]
        points.append((left - 6, middle))
        kind = "reused" if edge.kind == "reused" else "named"
        lines += [{"edge": index, "at": at, "x": px, "y": py, "kind": kind} for at, (px, py) in enumerate(points)]
        heads.append({"x": left - 4, "y": middle, "reason": edge.reason})
    return lines, heads


def _boxes(lineage: Any, plan: Any) -> list[Mapping[str, Any]]:
    boxes: list[Mapping[str, Any]] = []
    for rule_id, node in plan.nodes.items():
        left, middle = plan.place[rule_id]
        users = "not refreshed yet" if node.row_count is None else f"{node.row_count:,} users"
        boxes.append(
            {
                "name": node.rule_name,
                "label": fitted(node.rule_name),
                "rule_id": rule_id,
                "users": users if node.enabled else f"{users}, disabled",
                "as_of": "" if node.as_of is None else f"{node.as_of:%Y-%m-%d %H:%M}",
                "root": rule_id == lineage.rule_id,
                "x": left,
                "x2": left + BOX,
                "y": middle - HIGH // 2,
                "y2": middle + HIGH // 2,
                "middle": middle,
            }
        )
    return boxes
