"""A lineage drawn as SVG: rules in layers from left to right, each to the right of all that it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

BOX, HIGH, GAP, BETWEEN = 172, 46, 58, 16
# A larger lineage is drawn around its rule, nearest first.
NODES = 120

# Blue and grey are told apart by everyone, and seen on white and on black.
ACCENT = "#3f88c5"
LINE = "#8a8f98"


Stop = int | tuple[int, int]  # a rule, or a place that an edge (by its index) passes in a layer


@dataclass
class Layout:
    """Where everything stands: of each stop the left end and the middle; pixels, from the upper left corner."""

    nodes: dict[int, Any]
    edges: list[Any]
    ways: list[list[Stop]]
    place: dict[Stop, tuple[int, int]]
    wide: int
    high: int
    left_out: int


def layout(lineage: Any) -> Layout:
    """Places the rules of a lineage; of a large one those nearest to its rule."""
    kept = _near(lineage)
    nodes = {node.rule_id: node for node in lineage.nodes if node.rule_id in kept}
    edges = [edge for edge in lineage.edges if edge.from_ in kept and edge.to in kept]
    layers, ways = _layered(nodes, edges)
    _ordered(layers, ways)
    place = _placed(layers)
    high = max(y + (HIGH // 2 if isinstance(stop, int) else 0) for stop, (_, y) in place.items()) + 12
    wide = len(layers) * BOX + (len(layers) - 1) * GAP + 24
    return Layout(nodes, edges, ways, place, wide, high, len(lineage.nodes) - len(nodes))


def lineage_svg(lineage: Any) -> tuple[str, int]:
    """The nodes and edges of a lineage as SVG, and how many rules it leaves out; tooltips tell names in full."""
    plan = layout(lineage)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{plan.wide}" height="{plan.high}" '
        f'viewBox="0 0 {plan.wide} {plan.high}" role="img" aria-label="Lineage of {len(plan.nodes)} rules" '
        'style="max-width:none;font-family:inherit;font-size:12px">'
    )
    parts = [opening]
    for edge, way in zip(plan.edges, plan.ways, strict=True):
        parts.append(_edge(edge, [plan.place[stop] for stop in way]))
    for rule_id, node in plan.nodes.items():
        parts.append(_node(node, *plan.place[rule_id], root=rule_id == lineage.rule_id))
    return "".join([*parts, "</svg>"]), plan.left_out


def _near(lineage: Any) -> set[int]:
    """The rules that are drawn: those with the fewest edges between them and the rule that was asked about."""
    beside: dict[int, list[int]] = {}
    for edge in lineage.edges:
        beside.setdefault(edge.from_, []).append(edge.to)
        beside.setdefault(edge.to, []).append(edge.from_)
    known = {node.rule_id for node in lineage.nodes}
    kept, front = {lineage.rule_id} & known, [lineage.rule_id]
    while front and len(kept) < NODES:
        front = [one for rule in front for one in dict.fromkeys(beside.get(rule, ())) if one in known - kept]
        front = list(dict.fromkeys(front))[: NODES - len(kept)]
        kept.update(front)
    return kept


def _layered(nodes: dict[int, Any], edges: list[Any]) -> tuple[list[list[Stop]], list[list[Stop]]]:
    """The layers, and for each edge its way: where it begins, what it passes in each layer, where it ends."""
    level = dict.fromkeys(nodes, 0)
    for _ in nodes:  # the longest way to each rule; a lineage has no cycles, and one would end here
        moved = False
        for edge in edges:
            if level[edge.to] < level[edge.from_] + 1 <= len(nodes):
                level[edge.to] = level[edge.from_] + 1
                moved = True
        if not moved:
            break
    for rule in sorted(nodes, key=level.__getitem__, reverse=True):  # sources stand right before what uses them
        uses = [level[edge.to] for edge in edges if edge.from_ == rule]
        if uses:
            level[rule] = max(level[rule], min(uses) - 1)
    lowest = min(level.values())
    layers: list[list[Stop]] = [[] for _ in range(max(level.values()) - lowest + 1)]
    for rule in nodes:
        layers[level[rule] - lowest].append(rule)
    ways: list[list[Stop]] = []
    for index, edge in enumerate(edges):
        passed: list[Stop] = []
        for layer in range(level[edge.from_] + 1 - lowest, level[edge.to] - lowest):
            passed.append((index, layer))
            layers[layer].append((index, layer))
        ways.append([edge.from_, *passed, edge.to])
    return layers, ways


def _ordered(layers: list[list[Stop]], ways: list[list[Stop]]) -> None:
    """Orders each layer by the middle of its neighbours, forth and back, so that few edges cross."""
    before: dict[Stop, list[Stop]] = {}
    after: dict[Stop, list[Stop]] = {}
    for way in ways:
        for first, second in pairwise(way):
            before.setdefault(second, []).append(first)
            after.setdefault(first, []).append(second)
    for _ in range(4):
        for beside, order in ((before, layers), (after, layers[::-1])):
            for fixed, moved in pairwise(order):
                at = {stop: index / max(len(fixed) - 1, 1) for index, stop in enumerate(fixed)}
                own = {stop: index / max(len(moved) - 1, 1) for index, stop in enumerate(moved)}

                near = {stop: [at[one] for one in beside.get(stop, ()) if one in at] for stop in moved}
                middle = {stop: sum(near[stop]) / len(near[stop]) if near[stop] else own[stop] for stop in moved}
                moved.sort(key=middle.__getitem__)


def _placed(layers: list[list[Stop]]) -> dict[Stop, tuple[int, int]]:
    """The left end and the middle of each box, or of the line that passes."""
    step = {True: HIGH + BETWEEN, False: 20}
    heights = [sum(step[isinstance(stop, int)] for stop in layer) for layer in layers]
    place: dict[Stop, tuple[int, int]] = {}
    for index, (layer, height) in enumerate(zip(layers, heights, strict=True)):
        y = 8 + (max(heights) - height) // 2
        for stop in layer:
            own = step[isinstance(stop, int)]
            place[stop] = (12 + index * (BOX + GAP), y + own // 2)
            y += own
    return place


def _edge(edge: Any, way: list[tuple[int, int]]) -> str:
    """A curve through the places that it passes, with an arrow's head; dashed where a segment was reused."""
    (x, y), *rest = way
    x += BOX
    path = f"M{x} {y}"
    for index, (left, middle) in enumerate(rest):
        last = index == len(rest) - 1
        end = left - 7 if last else left
        bend = (end - x) // 2
        path += f" C{x + bend} {y} {end - bend} {middle} {end} {middle}"
        x, y = end, middle
        if not last:
            path += f" H{left + BOX}"
            x = left + BOX
    dash = ' stroke-dasharray="5 4"' if edge.kind == "reused" else ""
    head = f"M{x} {y - 4} L{x + 7} {y} L{x} {y + 4} Z"
    return (
        f'<g><title>{escape(edge.reason)}</title><path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.5"{dash}/>'
        f'<path d="{head}" fill="{LINE}"/></g>'
    )


def _node(node: Any, left: int, middle: int, root: bool) -> str:
    """A box with the rule's name and how many users its segment has."""
    users = "not refreshed yet" if node.row_count is None else f"{node.row_count:,} user{'s' * (node.row_count != 1)}"
    if not node.enabled:
        users += ", disabled"
    told = f"{node.rule_name} (rule {node.rule_id}): {users}"
    if node.as_of is not None:
        told += f" as of {node.as_of:%Y-%m-%d %H:%M}"
    stroke, width = (ACCENT, 2.5) if root else (LINE, 1.2)
    dash = "" if node.enabled else ' stroke-dasharray="3 3"'
    fill = f'fill="{ACCENT}" fill-opacity="{0.16 if root else 0.05}"'
    weight = ' font-weight="600"' if root else ""
    return (
        f'<g><title>{escape(told)}</title><rect x="{left}" y="{middle - HIGH // 2}" width="{BOX}" height="{HIGH}" rx="7" '
        f'{fill} stroke="{stroke}" stroke-width="{width}"{dash}/>'
        f'<text x="{left + 12}" y="{middle - 3}" fill="currentColor"{weight}>{escape(fitted(node.rule_name))}</text>'
        f'<text x="{left + 12}" y="{middle + 13}" fill="currentColor" opacity="0.7" font-size="11">{escape(users)}</text></g>'
    )


def fitted(name: str, room: float = BOX - 24) -> str:
    """A name cut to the width of a box, by how wide its letters are about."""
    name = " ".join(name.split())
    taken, kept = 0.0, ""
    for letter in name:
        taken += _width(letter)
        if taken > room:
            return kept.rstrip() + "…"
        kept += letter
    return name


def _width(letter: str) -> float:
    # The widest of the fonts that notebooks come with decides.
    if letter in "iljtfrI.,:;|!'() ":
        return 4.6
    if ord(letter) > 0x2E80:
        return 12.5
    return 10.2 if letter.isupper() or letter in "mw@%<>=+~&" else 7.6


def reasons(lineage: Any) -> Iterable[tuple[str, str, str]]:
    """Each edge in words: what uses, what is used, and where."""
    names = {node.rule_id: node.rule_name for node in lineage.nodes}
    for edge in lineage.edges:
        yield names.get(edge.to, str(edge.to)), names.get(edge.from_, str(edge.from_)), edge.reason
