"""The parts by themselves: parser, model, dependency finder, graph of rules, catalogs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from segmentry import _native
from segmentry._arrow import ArrowStream
from segmentry._calls import Pending
from segmentry._decode import decode
from segmentry._documents import Conditions, Documented, Instant, RuleDocument, Seconds, document, instant, seconds
from segmentry.errors import SegmentryError
from segmentry.types import Dependencies


class RuleParser:
    """Reads rule documents, without data: names of fields and types of values are not judged here."""

    @staticmethod
    def parse(rule: RuleDocument) -> dict[str, Any]:
        """A rule in the spelling that is stored. Raises `InvalidError` with all problems.

        >>> RuleParser.parse({"rule_name": "A", "conditions": [{"field": "tier", "operator": "==", "value": "1"}]})["conditions"]
        [{'field': 'tier', 'operator': '=', 'value': '1'}]
        """
        text = document(rule)
        return dict(json.loads(_about(text, _native.parse_rule)))

    @staticmethod
    def parse_text(text: str) -> Any:
        """The document of conditions in the text form. A problem's `path` is line and column.

        >>> RuleParser.parse_text("city_tier in (1, 2)")
        [{'field': 'city_tier', 'operator': 'in', 'value': [1, 2]}]
        """
        return json.loads(_about(text, _native.parse_text))["conditions"]

    @staticmethod
    def to_text(conditions: Conditions) -> str:
        """Conditions in the text form; parsing that gives back the same tree.

        >>> RuleParser.to_text([{"field": "city_tier", "operator": "in", "value": [1, 2]}])
        'city_tier in (1, 2)'
        """
        return _about(document(conditions), _native.to_text) or ""

    @staticmethod
    def schema() -> dict[str, Any]:
        """The JSON Schema of a rule.

        >>> RuleParser.schema()["required"]
        ['rule_name']
        """
        return dict(json.loads(_native.rule_schema()))


def _about(text: str, verb: Any) -> Any:
    """Calls a verb on a document, which an error then has."""
    try:
        return verb(text)
    except SegmentryError as error:
        error.document = text
        raise


class AudienceModel:
    """What the host's tables mean.

    >>> model = AudienceModel.parse({"users": {"table": "people", "key": "id"}})
    >>> model.users, model.timezone
    ({'key': 'id', 'table': 'people'}, 'UTC')
    """

    def __init__(self, parsed: dict[str, Any]) -> None:
        self._document = parsed

    @staticmethod
    def parse(model: Mapping[str, Any] | Documented | str) -> AudienceModel:
        """Reads a model's document. Whether tables and columns are there is checked at first use."""
        return AudienceModel(json.loads(_about(document(model), _native.parse_model)))

    @staticmethod
    def infer(tables: Mapping[str, ArrowStream]) -> Inferred:
        """A proposal for a set of tables, with the reasons. Only their columns are looked at.

        >>> import polars
        >>> people = polars.DataFrame({"user_id": [1], "name": ["Asha"]})
        >>> AudienceModel.infer({"users": people}).model.users
        {'key': 'user_id', 'table': 'users'}
        """
        return inferred(_native.infer_model(list(tables.items())))

    @property
    def users(self) -> dict[str, Any]:
        """The table of users and its key."""
        return dict(self._document["users"])

    @property
    def events(self) -> dict[str, Any]:
        """The tables of events."""
        return dict(self._document.get("events", {}))

    @property
    def traits(self) -> dict[str, Any]:
        """Named aggregates and points."""
        return dict(self._document.get("traits", {}))

    @property
    def timezone(self) -> str:
        """The zone in which timestamps without one are read."""
        return str(self._document.get("timezone", "UTC"))

    def to_document(self) -> dict[str, Any]:
        """The model's document."""
        return self._document

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AudienceModel) and self._document == other._document

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"AudienceModel.parse({self._document!r})"


@dataclass(frozen=True, slots=True)
class Inferred:
    """A model that was inferred, if one could be, and why it is so."""

    model: AudienceModel | None
    reasons: tuple[str, ...]


def inferred(answer: tuple[str | None, list[str]]) -> Inferred:
    """The native module's answer."""
    model, reasons = answer
    return Inferred(None if model is None else AudienceModel(json.loads(model)), tuple(reasons))


def _rules(rules: Mapping[int, RuleDocument]) -> list[tuple[int, str]]:
    return [(id, document(rule)) for id, rule in rules.items()]


class DependencyFinder:
    """What rules need and what can answer them, for rules that are in no catalog.

    `tables` are anything with an Arrow schema, by name; `rules` are documents by id.

    >>> import polars
    >>> users = polars.DataFrame({"user_id": [1], "city_tier": [1]})
    >>> finder = DependencyFinder(AudienceModel.infer({"users": users}).model, {"users": users})
    >>> rules = {1: {"rule_name": "T", "conditions": RuleParser.parse_text("city_tier in (1, 2)")}}
    >>> found = finder.find("city_tier = 1", rules)
    >>> found.reused[0].rule_id, found.reused[0].how
    (1, 'contains')
    >>> finder.implies("city_tier = 1", "city_tier < 3", rules)
    True
    """

    def __init__(
        self,
        model: Mapping[str, Any] | AudienceModel | str,
        tables: Mapping[str, ArrowStream],
        as_of: Instant | None = None,
    ) -> None:
        self._finder = _native.Finder(document(model), list(tables.items()), instant(as_of))

    def find(self, rule: Conditions, rules: Mapping[int, RuleDocument]) -> Dependencies:
        """What a rule needs, and which of the rules could answer it."""
        return decode(Dependencies, self._finder.find(document(rule), _rules(rules)))

    def implies(self, narrow: Conditions, wide: Conditions, rules: Mapping[int, RuleDocument]) -> bool:
        """Whether everyone whom `narrow` takes is provably taken by `wide`. A proof may not be found."""
        return self._finder.implies(document(narrow), document(wide), _rules(rules))

    def graph(self, rules: Mapping[int, RuleDocument]) -> RuleGraph:
        """Which of the rules needs which."""
        graph = RuleGraph.__new__(RuleGraph)
        graph._graph = self._finder.graph(_rules(rules))
        return graph


class RuleGraph:
    """Rules and the rules that they need.

    >>> graph = RuleGraph({1: [], 2: [1], 3: [1], 4: [2, 3]})
    >>> graph.order(), graph.levels(), graph.dependents(1), graph.affected(2), graph.cycles()
    ([1, 2, 3, 4], [[1], [2, 3], [4]], [2, 3], [4], [])
    """

    _graph: _native.Graph

    def __init__(self, needs: Mapping[int, Iterable[int]]) -> None:
        self._graph = _native.Graph([(rule, list(needed)) for rule, needed in needs.items()])

    def dependents(self, rule: int) -> list[int]:
        """The rules that need `rule` directly, ascending."""
        return self._graph.dependents(rule)

    def needs(self, rule: int) -> list[int]:
        """The rules that `rule` needs directly, ascending."""
        return self._graph.needs(rule)

    def with_ancestors(self, rules: Iterable[int]) -> list[int]:
        """`rules` and everything that they need, at any distance, ascending."""
        return self._graph.with_ancestors(list(rules))

    def affected(self, rule: int) -> list[int]:
        """All rules that need `rule`, at any distance, ascending."""
        return self._graph.affected(rule)

    def levels(self) -> list[list[int]]:
        """The rules by their distance from those that need none."""
        return self._graph.levels()

    def order(self) -> list[int]:
        """Every rule after those that it needs; rules on a cycle and those that need them are left out."""
        return self._graph.order()

    def cycles(self) -> list[list[int]]:
        """Cycles, each with the rules on it in the order in which each needs the next."""
        return self._graph.cycles()


class SqliteCatalog:
    """A catalog in a SQLite file, opened: several engines of this process may share it.

    >>> catalog = SqliteCatalog.open(folder / "audience.db")
    >>> import segmentry
    >>> segmentry.SegmentEngine(catalog).rules().total
    0
    """

    _catalog: _native.Catalog

    @classmethod
    def open(cls, path: str | os.PathLike[str], busy_timeout: Seconds | None = None) -> SqliteCatalog:
        """Opens the file, making it if there is none. `busy_timeout` is how long to wait for another's lock."""
        catalog = cls.__new__(cls)
        catalog._catalog = Pending(
            _native.Catalog.sqlite(path, seconds(busy_timeout)), lambda native: native
        ).wait()
        return catalog


class MemoryCatalog:
    """A catalog that is gone with the process; several engines of it may share one."""

    def __init__(self) -> None:
        self._catalog = _native.Catalog.memory()
