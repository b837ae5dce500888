"""What verbs answer of rules: pages of them, their wordings, and what they need."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a long list; iterating and indexing go over this page's entries."""

    items: tuple[T, ...]
    total: int
    """How many entries there are on all pages."""
    page: int
    """Which page this is, from 1."""
    pages: int

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> T:
        return self.items[place]

    def _repr_html_(self) -> str:
        from segmentry import _html

        return _html.page_html(self)


@dataclass(frozen=True, slots=True)
class Rule:
    """A stored rule. `rule["conditions"]` is a member of its document, which can be sent back as it is."""

    id: int
    version: int
    """1 for the first wording, one more with each change."""
    created_at: dt.datetime | None
    updated_at: dt.datetime | None
    document: dict[str, Any]

    @property
    def rule_name(self) -> str:
        """The name in its document."""
        return str(self.document["rule_name"])

    def __getitem__(self, member: str) -> Any:
        return self.document[member]

    def to_document(self) -> dict[str, Any]:
        """The document, as every verb that takes a rule takes it."""
        return self.document

    def _repr_html_(self) -> str:
        from segmentry import _html

        return str(_html.rule_html(self))


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One wording that a rule has or had."""

    version: int
    at: dt.datetime
    """Since when."""
    document: dict[str, Any] | None
    """The wording; nothing marks the deletion."""


@dataclass(frozen=True, slots=True)
class AffectedRule:
    """A rule whose segment may change because one that it needs was updated."""

    rule_id: int
    rule_name: str


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update of a rule touches."""

    affects: tuple[AffectedRule, ...]


@dataclass(frozen=True, slots=True)
class Reused:
    """A segment that can answer a rule or a part of it."""

    rule_id: int
    covers: tuple[str, ...]
    """JSON Pointers to the parts of the rule that it answers."""
    how: str
    """`equal` or `contains`."""
    operation: str
    chosen: bool
    """Whether the cost favours it."""
    reason: str


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the dependency finder found."""

    depends_on: tuple[int, ...]
    evaluated: tuple[str, ...]
    """JSON Pointers to the parts that are left to be evaluated."""
    reused: tuple[Reused, ...]
    """All that is usable, chosen or not."""
    order: tuple[int, ...]
    """The rules that it needs, in the order in which a run evaluates them."""
    operation: str | None = None
