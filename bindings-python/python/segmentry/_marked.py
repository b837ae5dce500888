"""A document or a text with its bad places marked: lines for people, which `_html` colours and a terminal prints.

A place is a JSON Pointer (`/conditions/2/value`) or, of a text, line and column (`2:5`). Of a large document
only what leads to the marked places is written out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# A line that is longer is broken up, if it is a list or an object.
WIDTH = 88
# A document of more lines is written with what is not marked left out, and of a longer list only so many elements, or fewer if they are values.
LINES = 60
ELEMENTS, VALUES = 12, 3


@dataclass
class Mark:
    """Characters of a line that a problem is about."""

    start: int
    end: int
    problem: Any


@dataclass
class Line:
    """A line of text and what is wrong in it."""

    text: str
    marks: list[Mark] = field(default_factory=list)


def marked(document: object, problems: Sequence[Any]) -> list[Line]:
    """The lines of a document (or of JSON, or of a text in the language), with a mark for each problem's place."""
    if isinstance(document, str):
        if any(re.fullmatch(r"\d+:\d+", problem.path) for problem in problems):
            return _text(document, problems)
        try:
            read: object = json.loads(document)
        except ValueError:
            return _text(document, problems)
        document = read
    writer = _Writer(document, problems)
    writer.write(document, "", 0, "", "")
    if len(writer.lines) > LINES:
        writer = _Writer(document, problems, brief=True)
        writer.write(document, "", 0, "", "")
    return writer.lines


def _text(text: str, problems: Sequence[Any]) -> list[Line]:
    """A text's lines; of many only those near a mark."""
    rows = text.split("\n")
    lines = [Line(row if len(row) <= 500 else row[:500] + "…") for row in rows]
    for problem in problems:
        place = re.fullmatch(r"(\d+):(\d+)", problem.path)
        row, column = (int(place[1]) - 1, int(place[2]) - 1) if place else (0, 0)
        if not 0 <= row < len(rows) or not place:
            continue
        word = re.compile(r"\w+|'[^']*'|\S|$").match(lines[row].text, min(column, len(lines[row].text)))
        start, end = word.span() if word else (0, 0)
        lines[row].marks.append(Mark(start, max(end, start + 1), problem))
    if len(lines) <= LINES:
        return lines
    near = {row for row, line in enumerate(lines) if line.marks for row in range(row - 2, row + 3)}
    return [line for row, line in enumerate(lines) if row in near] or lines[:LINES]


class _Writer:
    """Writes JSON over lines, each as long as it may be, broken where something in it is marked."""

    def __init__(self, document: object, problems: Sequence[Any], brief: bool = False):
        self.lines: list[Line] = []
        self.brief = brief
        self.problems: dict[str, list[Any]] = {}
        for problem in problems:
            self.problems.setdefault(_existing(document, problem.path), []).append(problem)
        # Every place above a marked one.
        self.above = {path[:at] for path in self.problems for at, letter in enumerate(path) if letter == "/"}

    def write(self, value: object, path: str, depth: int, name: str, end: str) -> None:
        """Writes a value after its name, `"field": `."""
        indent = "  " * depth
        inside = path in self.above
        flat = None if inside else self._flat(value, WIDTH - len(indent) - len(name) - len(end))
        if flat is not None or not isinstance(value, Mapping | list) or not value:
            self._line(indent, name + (flat if flat is not None else _cut(value)), end, path)
            return
        opening, closing = "{}" if isinstance(value, Mapping) else "[]"
        if self.brief and not inside and depth > 0:
            self._line(indent, f"{name}{opening}…{closing}", end, path)
            return
        self._line(indent, name + opening, "", path)
        self._children(value, path, depth + 1)
        self.lines.append(Line(indent + closing + end))

    def _children(self, value: Mapping[str, Any] | list[Any], path: str, depth: int) -> None:
        entries: Iterable[tuple[str, str, Any]]
        if isinstance(value, Mapping):
            entries = ((_step(str(key)), f"{json.dumps(key, ensure_ascii=False)}: ", one) for key, one in value.items())
        else:
            entries = ((str(at), "", one) for at, one in enumerate(value))
        few = (
            VALUES
            if isinstance(value, list) and not any(isinstance(one, Mapping | list) for one in value)
            else ELEMENTS
        )
        skipped = 0
        for at, (step, name, one) in enumerate(entries):
            place = f"{path}/{step}"
            if at >= few and place not in self.problems and place not in self.above:
                skipped += 1
                continue
            skipped = self._skip(skipped, depth)
            self.write(one, place, depth, name, "," if at < len(value) - 1 else "")
        self._skip(skipped, depth)

    def _skip(self, count: int, depth: int) -> int:
        if count:
            self.lines.append(Line(f"{'  ' * depth}… {count:,} more"))
        return 0

    def _line(self, indent: str, text: str, end: str, path: str) -> None:
        line = Line(indent + text + end)
        for problem in self.problems.get(path, ()):
            line.marks.append(Mark(len(indent), len(indent) + len(text), problem))
        self.lines.append(line)

    @staticmethod
    def _flat(value: object, room: int) -> str | None:
        """A value in one line, if there is room."""
        if isinstance(value, Mapping | list) and len(value) > room:
            return None
        text = json.dumps(value, ensure_ascii=False, default=repr)
        return text if len(text) <= room else None


def _cut(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 500 else text[:500] + "…"


def _step(name: str) -> str:
    """A member's name in a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _existing(document: object, path: str) -> str:
    """The place itself or, where nothing stands there, the nearest one around it."""
    found = ""
    for step in path.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, Mapping) and name in document:
            document = document[name]
        elif isinstance(document, list) and name.isdigit() and int(name) < len(document):
            document = document[int(name)]
        else:
            break
        found += f"/{step}"
    return found


def plain_lines(lines: Iterable[Line]) -> list[str]:
    """The lines for a terminal, with carets and what is wrong under each marked one."""
    told = []
    for line in lines:
        told.append(f"    {line.text}")
        for mark in line.marks:
            carets = "^" * min(mark.end - mark.start, 40)
            told.append(f"    {' ' * mark.start}{carets} {said(mark.problem)}")
    return told


def said(problem: Any) -> str:
    """A problem in one line, without its place, which the message about a text draws below."""
    message = problem.message.split("\n")[0]
    return f"{problem.code}: {message}" + (f"; {problem.hint}" if problem.hint else "")
