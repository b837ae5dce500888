"""What notebooks show of results: small HTML without scripts, styles or anything from elsewhere.

Every function takes what the façade returns and gives HTML that stands by itself. All text is escaped. Colours
are those of the notebook's theme, with one blue and one orange that are read on white and on black; nothing is told
by colour alone. Long lists are cut, with how much was left out.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

from segmentry._drawing import ACCENT, lineage_svg, reasons
from segmentry._marked import Line, marked, plain_lines, said

WARN = "#c8670f"
SOFT = "opacity:0.65"
EDGE = "rgba(127,127,127,0.3)"
PRE = "margin:5px 0;padding:0;background:none;color:inherit;font-family:monospace;font-size:0.95em;word-break:normal"
# Rows of a table, entries of a list and cells of a matrix's side that are shown.
ROWS, COLUMNS, SIDE = 50, 12, 25


# Pieces ------------------------------------------------------------------------------------------------------


def _text(value: object, most: int = 400) -> str:
    text = str(value)
    return escape(text if len(text) <= most else text[:most] + "…")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,}"


def _percent(part: int, of: int) -> str:
    return f"{part / of:.1%}" if of else "–"


def _instant(value: datetime | None) -> str:
    if value is None:
        return "–"
    clock = "%Y-%m-%d %H:%M" if value.second == 0 else "%Y-%m-%d %H:%M:%S"
    zone = value.tzname() or ""
    return escape(f"{value.strftime(clock)} {zone}".strip())


def _framed(title: str, *parts: str, note: str = "") -> str:
    """A result: its title, a note in grey beside it, and what it has."""
    grey = f' <span style="{SOFT}">{note}</span>' if note else ""
    head = f'<div style="margin:0 0 6px;font-size:1.05em"><b>{title}</b>{grey}</div>'
    return (
        '<div class="segmentry" style="margin:4px 0 8px;line-height:1.45;max-width:100%;overflow-x:auto">'
        f"{head}{''.join(parts)}</div>"
    )


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = (), left_out: int = 0) -> str:
    """A table of cells that are HTML already; the columns numbered in `right` hold numbers."""
    numbers = set(right)

    def cell(tag: str, at: int, content: str) -> str:
        side = "right" if at in numbers else "left"
        weight = "font-weight:600;" if tag == "th" else ""
        # What a theme does to tables (centred, striped, narrow) is undone here, so that all look alike.
        style = f"text-align:{side};{weight}padding:3px 12px 3px 0;border:0;border-bottom:1px solid {EDGE}"
        return f'<{tag} style="{style};vertical-align:top;background:none;white-space:normal">{content}</{tag}>'

    def row(tag: str, cells: Sequence[str]) -> str:
        return f'<tr style="background:none">{"".join(cell(tag, at, content) for at, content in enumerate(cells))}</tr>'

    body = "".join(row("td", cells) for cells in rows)
    head = f"<thead>{row('th', headers)}</thead>" if headers else ""
    more = f'<div style="{SOFT};margin-top:3px">… {left_out:,} more</div>' if left_out > 0 else ""
    return f'<table style="border-collapse:collapse;margin:0 0 6px;font-size:0.95em">{head}<tbody>{body}</tbody></table>{more}'


def _facts(facts: Iterable[tuple[str, str | None]]) -> str:
    """Names with values, those without one left out."""
    rows = [(f'<span style="{SOFT}">{name}</span>', value) for name, value in facts if value]
    return _table((), rows)


def _bar(part: float, of: float, width: int = 180, colour: str = ACCENT) -> str:
    share = 0.0 if not of else max(0.0, min(1.0, part / of))
    filled = round(share * width, 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="12" style="max-width:none;vertical-align:middle" '
        f'role="img" aria-label="{share:.1%}"><rect width="{width}" height="12" rx="2" fill="{colour}" fill-opacity="0.14"/>'
        f'<rect width="{filled}" height="12" rx="2" fill="{colour}"/></svg>'
    )


def _folded(title: str, content: str, code: bool = True) -> str:
    """Something long behind a line that opens it."""
    inner = f'<pre style="{PRE};white-space:pre-wrap">{escape(content)}</pre>' if code else content
    return f'<details style="margin:2px 0"><summary style="cursor:pointer;{SOFT}">{title}</summary>{inner}</details>'


def spoken(condition: str) -> str:
    """A condition's JSON in the language's text form, which people read more easily."""
    from segmentry import RuleParser, SegmentryError

    try:
        return str(RuleParser.to_text(json.loads(condition)))
    except (SegmentryError, ValueError):
        return condition


def _code(text: str, most: int = 400) -> str:
    return f'<code style="font-family:monospace;white-space:pre-wrap;background:none;padding:0;color:inherit">{_text(text, most)}</code>'


def _cell(value: object) -> str:
    return f'<span style="white-space:nowrap">{_text("–" if value is None else value, 40)}</span>'


def _rows(table: Any, most: int = 5) -> str:
    """The first rows of a table in Arrow's form."""
    names = table.columns[:COLUMNS]
    rows = table.to_pylist()[:most]
    if not rows:
        return ""
    cells = [[_cell(row[name]) for name in names] for row in rows]
    first = rows[0]
    right = [at for at, name in enumerate(names) if isinstance(first[name], int | float) and first[name] is not True]
    wider = len(table.columns) - len(names)
    more = f'<div style="{SOFT}">… {wider} more columns</div>' if wider else ""
    return _table([_text(name, 40) for name in names], cells, right) + more


# Results -----------------------------------------------------------------------------------------------------


def segment_html(segment: Any) -> str:
    """A segment: its name and size, what it is about, and five of its members."""
    from segmentry import SegmentryError

    try:
        sample = _rows(segment.sample(5))
    except SegmentryError as error:  # a catalog opens without its sources, and its segments are there to be seen
        sample = f'<div style="{SOFT}">no rows: {_text(error)}</div>'
    facts = [
        ("as of", _instant(segment.as_of)),
        ("version", f"{segment.version}, refreshed {_instant(segment.last_refreshed_at)}"),
        ("in SQL", _code(segment.table_name)),
    ]
    described = f"<div>{_text(segment.description)}</div>" if segment.description else ""
    users = f"{_number(segment.row_count)} user{'s' * (segment.row_count != 1)}"
    return _framed(_text(segment.segment_name), described, _facts(facts), sample, _sql(segment.sql_query), note=users)


def _sql(text: str) -> str:
    return _folded("SQL", text[:20_000]) if text else ""


def run_html(run: Any) -> str:
    """A run: what was published and who came and went, what failed, and where the time went."""
    most = max((segment.row_count for segment in run.segments), default=0)
    rows = [
        [
            _text(segment.segment_name, 80),
            _number(segment.row_count),
            _bar(segment.row_count, most, 120),
            f"+{segment.entered:,}",
            f"−{segment.exited:,}",
            _text(", ".join(f"rule {one.rule_id}" for one in segment.reused if one.chosen), 80),
        ]
        for segment in run.segments[:ROWS]
    ]
    reuses = any(row[-1] for row in rows)
    headers = ["segment", "users", "", "entered", "left"] + (["answered from"] if reuses else [])
    rows = [row[: len(headers)] for row in rows]
    published = _table(headers, rows, (1, 3, 4), len(run.segments) - ROWS) if rows else ""
    note = f"as of {_instant(run.as_of)} · {run.seconds:.2f} s · {run.users_evaluated:,} users looked at"
    return _framed(f"Run {run.id}", published, _failed(run), _stages(run), note=note)


def _failed(run: Any) -> str:
    rows = []
    for failure in run.failed[:ROWS]:
        told = [f"{_code(problem.path)} {_text(said(problem))}" for problem in failure.problems[:5]]
        rows.append((f'<span style="color:{WARN}">✗ failed</span>', _text(failure.rule_name, 80), "<br>".join(told)))
    for skip in run.skipped[:ROWS]:
        rows.append((f'<span style="color:{WARN}">– skipped</span>', _text(skip.rule_name, 80), _text(skip.reason)))
    left_out = max(0, len(run.failed) - ROWS) + max(0, len(run.skipped) - ROWS)
    return _table(("", "rule", "why"), rows, left_out=left_out) if rows else ""


def _stages(run: Any) -> str:
    slowest = max(run.stages.values(), default=0)
    stages = [(_text(name), f"{seconds:.3f} s", _bar(seconds, slowest, 120)) for name, seconds in run.stages.items()]
    scanned = [(_text(name), f"{rows:,} rows", "") for name, rows in run.scanned.items()]
    content = _table((), [*stages, *scanned], (1,))
    return _folded("stages and what was read", content, code=False) if stages or scanned else ""


def preview_html(preview: Any) -> str:
    """A preview: how many users, a bar for each condition, and some of the users."""
    counts = [step.count for step in preview.steps]
    falls = counts == sorted(counts, reverse=True) and counts[-1:] == [preview.count]
    header = "users left" if falls else "users"
    rows = [
        (
            _code(spoken(step.text), 300),
            _number(step.count),
            _bar(step.count, preview.of),
            _percent(step.count, preview.of),
        )
        for step in preview.steps[:ROWS]
    ]
    if falls and rows:
        rows.insert(0, (f'<span style="{SOFT}">everyone</span>', _number(preview.of), _bar(1, 1), "100%"))
    steps = _table(("condition", header, "", "of all"), rows, (1, 3), len(preview.steps) - ROWS) if rows else ""
    title = f"{_number(preview.count)} of {_number(preview.of)} users"
    note = _percent(preview.count, preview.of) if preview.of else ""
    return _framed(title, steps, _rows(preview.sample), _sql(preview.sql), note=note)


def lineage_html(lineage: Any) -> str:
    """A lineage, drawn, with its edges in words below."""
    svg, missing = lineage_svg(lineage)
    names = {node.rule_id: node.rule_name for node in lineage.nodes}
    told = list(reasons(lineage))
    rows = [(_text(to, 80), _text(source, 80), _text(reason, 120)) for to, source, reason in told[:ROWS]]
    table = _table(("rule", "comes from", "where"), rows, left_out=len(told) - ROWS) if rows else ""
    left_out = f'<div style="{SOFT}">… {missing:,} rules further away</div>' if missing else ""
    dashed = "dashed: found to answer a part, not named" if any(edge.kind == "reused" for edge in lineage.edges) else ""
    title = f"Lineage of {_text(names.get(lineage.rule_id, lineage.rule_id), 80)}"
    folded = _folded("in words", table, code=False) if table else ""
    return _framed(title, f'<div style="overflow-x:auto">{svg}</div>', left_out, folded, note=dashed)


# Members of a rule that are not among its facts.
SAID_ELSEWHERE = {"rule_name", "description", "conditions", "id", "created_at", "updated_at"}


def rule_html(rule: Any) -> str:
    """A rule: its conditions as text, and the other members of its document."""
    document = rule.to_document()
    facts: list[tuple[str, str | None]] = []
    for name, member in document.items():
        if name in SAID_ELSEWHERE or member in (None, [], True):
            continue
        value = member if isinstance(member, str | int | bool) else json.dumps(member, ensure_ascii=False, default=str)
        facts.append((_text(name.replace("_", " ")), _text(value, 200)))
    conditions = document.get("conditions")
    text = _code(spoken(json.dumps(conditions)), 4_000) if conditions is not None else ""
    described = f"<div>{_text(document['description'])}</div>" if document.get("description") else ""
    said_in_full = _folded("document", "\n".join(line.text for line in marked(document, ())))
    note = f"rule {rule.id}, version {rule.version} of {_instant(rule.updated_at)}"
    return _framed(
        _text(rule.rule_name),
        described,
        f'<div style="margin:4px 0 8px">{text}</div>',
        _facts(facts),
        said_in_full,
        note=note,
    )


def page_html(page: Any) -> str:
    """A page of rules, segments or runs, a row for each."""
    headers, rows = _listed(page.items[:ROWS])
    numbers = [at for at, name in enumerate(headers) if name in ("users", "segments", "failed", "seconds")]
    table = _table(headers, rows, numbers, len(page.items) - ROWS) if rows else ""
    return _framed(f"{page.total:,} in all", table, note=f"page {page.page} of {max(page.pages, 1)}")


def _listed(items: Sequence[Any]) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the cells, for what the items are."""
    if items and hasattr(items[0], "document"):
        return ["rule", "name", "says", "schedule"], [
            [
                str(rule.id),
                _text(rule.rule_name, 80),
                _saying(rule.to_document()),
                _cell(rule.document.get("schedule") or ""),
            ]
            for rule in items
        ]
    if items and hasattr(items[0], "segment_name"):
        instants = [None if entry.current is None else entry.current.as_of for entry in items]
        cells = zip(items, instants, strict=True)
        return ["rule", "segment", "users", "as of"], [
            [str(entry.rule_id), _text(entry.segment_name, 80), _number(entry.row_count), _instant(as_of)]
            for entry, as_of in cells
        ]
    if items and hasattr(items[0], "segments"):
        return ["run", "as of", "segments", "failed", "seconds"], [
            [str(run.id), _instant(run.as_of), str(len(run.segments)), str(len(run.failed)), f"{run.seconds:.2f}"]
            for run in items
        ]
    return [""], [[_text(item)] for item in items]


def _saying(document: Any) -> str:
    """What a rule says, in short: the operation on other rules' segments, and its conditions."""
    operands = ", ".join(str(rule) for rule in document.get("depends_on") or ())
    operation = f"{document.get('operation')} of {operands}" if operands else ""
    conditions = document.get("conditions")
    own = spoken(json.dumps(conditions)) if conditions else ""
    return _code(" with ".join(filter(None, (operation, own))) or "everyone", 160)


def explained_html(explained: Any) -> str:
    """Why a user is a member, or why not: the tree of conditions, with what the user has and what is needed."""
    if not hasattr(explained, "root"):  # a part of an explanation by itself
        return _framed("Explained", _branch(explained))
    picked = "; excluded by hand" if explained.excluded else "; included by hand" if explained.included else ""
    word = "is a member" if explained.member else "is not a member"
    title = f"{_mark(explained.member)} {_text(explained.key, 80)} {word}{picked}"
    return _framed(title, _branch(explained.root), note=f"as of {_instant(explained.as_of)}")


def _mark(holds: bool) -> str:
    return f'<span style="color:{ACCENT if holds else WARN};font-weight:600">{"✓" if holds else "✗"}</span>'


def _branch(part: Any) -> str:
    if part.parts:
        words = {"and": "all of", "or": "any of", "not and": "not all of", "not or": "none of"}
        label = f"<b>{_text(words.get(part.kind, part.kind))}</b>"
    else:
        label = _code(spoken(part.text), 300) if part.text else f"<b>{_text(part.kind)}</b> {_code(part.path)}"
    facts = []
    if part.needed not in (None, "did", "didNot") and part.kind == "condition":
        has = "nothing" if part.value is None else json.dumps(part.value, ensure_ascii=False, default=str)
        facts.append(f"has {_text(has, 80)}, needs {_text(part.needed, 120)}")
    if part.cutoff is not None:
        facts.append(f"the last within has {_text(part.cutoff, 80)}")
    if part.window is not None:
        edges = (("from", part.window.start), ("until", part.window.end))
        facts.append(" ".join(f"{word} {_instant(edge)}" for word, edge in edges if edge is not None))
    beside = f'<div style="{SOFT};margin-left:1.4em">{"; ".join(filter(None, facts))}</div>' if any(facts) else ""
    below = "".join(_branch(one) for one in part.parts[:ROWS])
    if len(part.parts) > ROWS:
        below += f'<div style="{SOFT}">… {len(part.parts) - ROWS:,} more</div>'
    inner = (
        f'<div style="border-left:1px solid {EDGE};margin-left:0.45em;padding-left:0.9em">{below}</div>'
        if below
        else ""
    )
    return f'<div style="margin:2px 0">{_mark(part.holds)} {label}{beside}{inner}</div>'


def overlap_html(overlap: Any) -> str:
    """A matrix of how many members two segments have in common; the darker, the more alike (Jaccard)."""
    shown = overlap.segments[:SIDE]
    pairs = {}
    for pair in overlap.pairs:
        pairs[pair.first, pair.second] = pairs[pair.second, pair.first] = pair
    rows = []
    for one in shown:
        cells = [_text(one.segment_name, 40)]
        for other in shown:
            if one.rule_id == other.rule_id:
                cells.append(f"<b>{one.row_count:,}</b>")
                continue
            pair = pairs[one.rule_id, other.rule_id]
            shade = f"background:rgba(63,136,197,{0.06 + 0.6 * pair.jaccard:.2f})"
            told = f"{pair.count:,} in both; Jaccard {pair.jaccard:.3f}"
            cells.append(
                f'<span title="{told}" style="{shade};padding:1px 6px;border-radius:3px">{pair.count:,}</span>'
            )
        rows.append(cells)
    headers = ["", *(_text(one.segment_name, 24) for one in shown)]
    table = _table(headers, rows, range(1, len(headers)), len(overlap.segments) - SIDE)
    return _framed("Members in common", table, note="each segment’s own number is bold")


# Errors ------------------------------------------------------------------------------------------------------


def error_html(error: Any) -> str:
    """An error: every problem and, where the document is known, the document with the places marked."""
    problems = list(error.problems)
    rows = [(_code(problem.path or "–"), _text(said(problem), 1_000)) for problem in problems[:ROWS]]
    document = getattr(error, "document", None)
    lines = [] if document is None else marked(document, problems)
    shown = "".join(_marked_line(line) for line in lines)
    shown = f'<div style="{PRE};white-space:pre;overflow-x:auto">{shown}</div>' if shown else ""
    table = _table(("where", "what"), rows, left_out=len(problems) - ROWS)
    if not any(problem.path for problem in problems):
        table = "".join(f"<div>{what}</div>" for _, what in rows)
    title = f'<span style="color:{WARN}">{_text(type(error).__name__)}</span>'
    if sum(len(line.marks) for line in lines) == len(problems):
        table = ""  # each is told where it is
    return _framed(title, shown, table, note=_text(f"{len(problems)} problem{'s' * (len(problems) != 1)}"))


def _marked_line(line: Line) -> str:
    """A line with what is wrong in it marked, and said in a line below."""
    if not line.marks:
        return f"<div>{escape(line.text)}</div>"
    start, end = min(mark.start for mark in line.marks), max(mark.end for mark in line.marks)
    style = f"background:rgba(200,103,15,0.22);border-bottom:2px solid {WARN};color:inherit"
    wrong = f'<mark style="{style}">{escape(line.text[start:end]) or " "}</mark>'
    # Space before a mark is not kept by all that reads notebooks: it is said in letters' widths instead.
    before = line.text[:start]
    indent = len(before) - len(before.lstrip())
    told = f"color:{WARN};margin-left:{start}ch;white-space:pre-wrap"
    below = "".join(f'<div style="{told}">▲ {escape(said(mark.problem))}</div>' for mark in line.marks)
    return f'<div style="margin-left:{indent}ch">{escape(before.lstrip())}{wrong}{escape(line.text[end:])}</div>{below}'


def error_lines(error: Any) -> list[str]:
    """The same for a terminal: the lines of the document with carets; none where the document is not known."""
    document = getattr(error, "document", None)
    return [] if document is None else plain_lines(marked(document, list(error.problems)))


def traceback_lines(error: Any) -> list[str]:
    """What IPython shows of an error that nobody caught: the caller's own lines, and the document with the bad places
    marked; in a notebook that is displayed, once, because IPython asks again for its history."""
    shell = import_module("IPython").get_ipython()
    ours = str(Path(__file__).parent)
    told = ["Traceback (most recent call last):"]
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith(ours) or "/IPython/" in frame.filename:
            continue
        cell = shell and shell.compile.format_code_name(frame.filename)
        place = " ".join(cell) if cell else f"File {frame.filename}"
        told += [f"  {place}, line {frame.lineno}, in {frame.name}", f"    {frame.line}"]
    told += f"{type(error).__name__}: {error}".split("\n")
    if not hasattr(shell, "kernel"):
        return told + error_lines(error)
    if not error.__dict__.get("_displayed"):
        error._displayed = True
        display = import_module("IPython.display")
        display.display(display.HTML(error_html(error)))
    return told
