"""Conditions as expressions: joined with `&` and `|`, negated with `~`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from segmentry._values import Document, call


class Part:
    """Anything that may stand in an expression."""

    # numpy's scalars leave operators to us, rather than make arrays of what stands beside them.
    __array_ufunc__ = None

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "an expression is neither true nor false by itself: join conditions with & and | and negate them "
            "with ~ instead of and, or and not, put comparisons in parentheses, and write a < x < b as "
            "x.between(a, b) or (x > a) & (x < b)"
        )

    def to_document(self) -> Document:
        """The document of the condition; a TypeError of what is none yet."""
        raise TypeError(f"{self!r} is not a condition yet: compare it with something")

    def _refused(self, other: object) -> NoReturn:
        raise TypeError(
            f"& and | join conditions, but here stand {self!r} and {other!r}. Python binds & and | tighter than "
            "comparisons: put each comparison in parentheses, as in (a > 1) & (b > 2)"
        )

    def __and__(self, other: object) -> Any:
        self._refused(other)

    def __or__(self, other: object) -> Any:
        self._refused(other)

    # Reached by `1 & part`, which is what Python makes of `x == 1 & part`.
    def __rand__(self, other: object) -> Any:
        self._refused(other)

    def __ror__(self, other: object) -> Any:
        self._refused(other)

    def __invert__(self) -> Any:
        raise TypeError(f"~ negates a condition, and {self!r} is none: compare it first, and put that in parentheses")

    # `==` builds conditions, so that nothing here can be looked up by being equal.
    __hash__ = None  # type: ignore[assignment]


class Comparable(Part):
    """What comparisons make a condition of."""

    def _compare(self, operator: str, other: object) -> Condition:
        raise NotImplementedError

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compare("=", other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compare("!=", other)

    def __lt__(self, other: object) -> Condition:
        return self._compare("<", other)

    def __le__(self, other: object) -> Condition:
        return self._compare("<=", other)

    def __gt__(self, other: object) -> Condition:
        return self._compare(">", other)

    def __ge__(self, other: object) -> Condition:
        return self._compare(">=", other)


class Condition(Part):
    """A condition: joined with `&` and `|`, negated with `~`, and given to any verb that takes conditions.

    >>> from segmentry import col, in_segment
    >>> adults = col("age") >= 18
    >>> adults.to_document()
    {'field': 'age', 'operator': '>=', 'value': 18}
    >>> ~adults & in_segment("Newcomers")
    ~(col('age') >= 18) & in_segment('Newcomers')
    """

    def __init__(self, document: Mapping[str, Any], code: Callable[[], str] | None = None, loose: bool = False):
        """A condition of a document; `code` tells how it is written, `loose` whether that needs parentheses."""
        self._document = document
        self._code = code
        self._loose = loose

    def to_document(self) -> Document:
        """The document, as rules hold it: a copy of the caller's own."""
        return copy.deepcopy(dict(self._document))

    def disabled(self) -> Condition:
        """The same condition switched off: it stays in the rule and takes no part."""
        document = {**self.to_document(), "disabled": True}
        return Condition(document, lambda: f"{self._closed()}.disabled()")

    def __and__(self, other: object) -> Any:
        if isinstance(other, Comparable) and not isinstance(other, _Unfinished):
            return _Unfinished(self, other)
        return joined("and", self, other)

    def __or__(self, other: object) -> Condition:
        return joined("or", self, other)

    def __invert__(self) -> Condition:
        return Group("and", (self,), negated=True)

    def __rand__(self, other: object) -> Condition:
        return joined("and", other, self) if isinstance(other, Mapping) else self._refused(other)

    def __ror__(self, other: object) -> Condition:
        return joined("or", other, self) if isinstance(other, Mapping) else self._refused(other)

    def __eq__(self, other: object) -> NoReturn:
        self._compared(other)

    def __ne__(self, other: object) -> NoReturn:
        self._compared(other)

    def _compared(self, other: object) -> NoReturn:
        raise TypeError(
            f"{self!r} is a condition already, and is not compared with {other!r}. To see whether two say the "
            "same, compare their to_document()"
        )

    __lt__ = __le__ = __gt__ = __ge__ = _compared

    def _closed(self) -> str:
        return f"({self!r})" if self._loose else repr(self)

    def __repr__(self) -> str:
        return self._code() if self._code else f"all_of({self._document!r})"


class Group(Condition):
    """Conditions of which all (`and`) or any (`or`) hold, or with `~` not."""

    def __init__(self, combinator: str, parts: tuple[Condition, ...], negated: bool = False):
        """A group of parts; of none, everyone (`and`) or nobody (`or`)."""
        self.combinator = combinator
        self.parts = parts
        self.negated = negated
        self._infix = len(parts) > 1 and not any(self._dissolves(part) for part in parts)
        super().__init__({}, loose=self._infix and not negated)

    def to_document(self) -> Document:
        """The group in full."""
        document: Document = {"combinator": self.combinator}
        if self.negated:
            document["not"] = True
        document["rules"] = [part.to_document() for part in self.parts]
        return document

    def __invert__(self) -> Group:
        return Group(self.combinator, self.parts, not self.negated)

    def _dissolves(self, part: Condition) -> bool:
        """Whether & or | makes its parts parts of this group."""
        return isinstance(part, Group) and part.combinator == self.combinator and not part.negated

    def __repr__(self) -> str:
        if self._infix:
            text = (" & " if self.combinator == "and" else " | ").join(part._closed() for part in self.parts)
            return f"~({text})" if self.negated else text
        if self.negated and len(self.parts) == 1 and self.combinator == "and":
            (part,) = self.parts
            if not isinstance(part, Group):
                return f"~{part._closed()}"
        text = call("all_of" if self.combinator == "and" else "any_of", self.parts)
        return f"~{text}" if self.negated else text


def condition_of(part: object) -> Condition:
    """What stands for a condition: an expression, or a condition's or group's document."""
    if isinstance(part, Condition):
        return part
    if isinstance(part, Mapping):
        return Condition(part)
    if isinstance(part, Part):
        part.to_document()
    raise TypeError(f"expected a condition, not {part!r}")


def joined(combinator: str, left: object, right: object) -> Group:
    """A group of two sides. One that is itself joined so gives its parts, so that a & b & c is one group."""
    group = Group(combinator, ())
    parts: list[Condition] = []
    for side, other in ((left, right), (right, left)):
        if not isinstance(side, Condition | Mapping):
            condition_of(other)._refused(side)
        part = condition_of(side)
        parts += part.parts if isinstance(part, Group) and group._dissolves(part) else [part]
    return Group(combinator, tuple(parts))


def all_of(*conditions: Condition | Mapping[str, Any]) -> Group:
    """Who meets all of the conditions; of none, everyone."""
    return Group("and", tuple(condition_of(part) for part in conditions))


def any_of(*conditions: Condition | Mapping[str, Any]) -> Group:
    """Who meets any of the conditions; of none, nobody."""
    return Group("or", tuple(condition_of(part) for part in conditions))


class _Unfinished(Comparable):
    """What `condition & metric` is until it is compared: in `condition & metric > 10` Python reads that first."""

    def __init__(self, condition: Condition, subject: Comparable):
        self._condition = condition
        self._subject = subject

    def _compare(self, operator: str, other: object) -> Condition:
        return joined("and", self._condition, self._subject._compare(operator, other))

    def __repr__(self) -> str:
        return f"{self._condition._closed()} & {self._subject!r}"
