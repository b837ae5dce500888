"""What verbs fail with: one exception class for each kind of what the caller should do about it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a document, of an argument or of the data."""

    code: str
    """The stable name of the fault, `unknown_field` for instance."""
    path: str
    """A JSON Pointer to the place in the document; line and column (`1:23`) in a text."""
    message: str
    """What was found and what was expected."""
    hint: str | None = None
    """What to write instead, where something near is known."""


class SegmentryError(Exception):
    """What every verb fails with. `code`, `path` and `hint` are those of the first problem.

    >>> import segmentry
    >>> try:
    ...     segmentry.RuleParser.parse({"rule_nam": "Lapsed", "conditions": []})
    ... except segmentry.InvalidError as error:
    ...     print(error.code, error.path, error.hint)
    unknown_member /rule_nam did you mean "rule_name"?
    """

    kind: str = "internal"
    """`invalid`, `not_found`, `conflict`, `data`, `busy`, `cancelled` or `internal`."""
    problems: tuple[Problem, ...]
    """Everything that is wrong, at least one."""
    document: str | None
    """The document that it is about, as text, where the verb was handed one."""

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (Problem("internal", "", message),)
        self.document = None

    @property
    def code(self) -> str:
        """The stable name of the first problem."""
        return self.problems[0].code

    @property
    def path(self) -> str:
        """Where the first problem is."""
        return self.problems[0].path

    @property
    def hint(self) -> str | None:
        """What to do about the first problem, where that is known."""
        return self.problems[0].hint

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.problems), {"document": self.document}

    def _repr_html_(self) -> str:
        from segmentry import _html

        return str(_html.error_html(self))

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the caller's own lines, and the document with the bad places marked."""
        from segmentry import _html

        return _html.traceback_lines(self)


class InvalidError(SegmentryError):
    """Mend the document or the argument; `problems` says where."""

    kind = "invalid"


class NotFoundError(SegmentryError):
    """Nothing has that id or name."""

    kind = "not_found"


class ConflictError(SegmentryError):
    """Somebody else's change stands in the way: read again, then decide."""

    kind = "conflict"


class DataError(SegmentryError):
    """Mend the data or its registration; what was published before still stands."""

    kind = "data"


class BusyError(SegmentryError):
    """Try again later."""

    kind = "busy"


class CancelledError(SegmentryError):
    """The caller asked to stop; nothing was published."""

    kind = "cancelled"


class InternalError(SegmentryError):
    """A fault of Segmentry or of the machine under it: report it."""

    kind = "internal"


_KINDS: dict[str, type[SegmentryError]] = {
    each.kind: each
    for each in (InvalidError, NotFoundError, ConflictError, DataError, BusyError, CancelledError, InternalError)
}

for _class in (Problem, SegmentryError, *_KINDS.values()):
    # People import them from the package, and should read it so.
    _class.__module__ = "segmentry"


def from_json(kind: str, message: str, problems: str) -> SegmentryError:
    """The exception of an error, for the native module."""
    found = [Problem(**problem) for problem in json.loads(problems)]
    return _KINDS.get(json.loads(kind), SegmentryError)(message, found)
