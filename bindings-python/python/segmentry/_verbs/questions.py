"""The verbs that ask and change nothing."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Literal, overload

from segmentry._arrow import Rows
from segmentry._calls import Pending, as_is, awaitable, blocking
from segmentry._decode import decode, read
from segmentry._documents import Conditions, Instant, Key, RuleRef, document, instant, named, wanted
from segmentry._verbs.base import Verbs, as_list, as_one
from segmentry.parts import AudienceModel, Inferred, RuleParser, inferred
from segmentry.types import Dependencies, Explanation, FieldInfo, Lineage, Preview, Summary


def _preview(answer: tuple[str, Any]) -> Preview:
    return read(Preview, json.loads(answer[0]), sample=Rows(answer[1]))


def _lineage(answer: tuple[str, str, str]) -> Lineage:
    return read(Lineage, json.loads(answer[0]), mermaid=answer[1], dot=answer[2])


class QuestionVerbs(Verbs):
    """The verbs that ask."""

    @blocking
    def preview(self, conditions: Conditions, as_of: Instant | None = None) -> Pending[Preview]:
        """Evaluates conditions, a rule or the text form without storing anything.

        `steps` tells how many users are left after each condition of a topmost `and`.

        >>> preview = engine.preview("city_tier = 1 and sum(payments.amount, window => 'all') > 100")
        >>> preview.count, preview.of, [step.count for step in preview.steps]
        (1, 3, [2, 1])
        """
        text = document(conditions)
        return Pending(self._engine.preview(text, instant(as_of)), _preview, document=text)

    preview_async = awaitable(preview)

    @blocking
    def explain(
        self, segment: RuleRef | Conditions, key: Key, as_of: Instant | None = None
    ) -> Pending[Explanation]:
        """Why a user is in a segment or would be taken by conditions, or why not.

        An int is a rule's id and a str its name; conditions are a document or what `RuleParser.parse_text`
        makes of a text.

        >>> explanation = engine.explain("Metro", 2)
        >>> condition = explanation.root.parts[0]
        >>> explanation.member, condition.holds, condition.value, condition.needed
        (False, False, 2, '= 1')
        """
        stored, text = wanted(segment)
        return Pending(
            self._engine.explain((stored, text), key, instant(as_of)), as_one(Explanation), document=text
        )

    explain_async = awaitable(explain)

    @blocking
    def dependencies(self, rule: RuleRef | Conditions) -> Pending[Dependencies]:
        """What a rule, stored or not, needs and what it could be answered from: every usable segment, and why.

        >>> found = engine.dependencies([{"field": "city_tier", "operator": "=", "value": 1}])
        >>> found.reused[0].rule_id, found.reused[0].how, found.reused[0].chosen
        (1, 'equal', True)
        """
        stored, text = wanted(rule)
        return Pending(self._engine.dependencies((stored, text)), as_one(Dependencies), document=text)

    dependencies_async = awaitable(dependencies)

    @overload
    def lineage(self, id: RuleRef, format: Literal["json"] = "json") -> Lineage: ...
    @overload
    def lineage(self, id: RuleRef, format: Literal["mermaid", "dot"]) -> str: ...
    def lineage(self, id: RuleRef, format: str = "json") -> Lineage | str:
        """Where a rule's segment comes from and what comes from it: as an object, or as text to be drawn.

        >>> lineage = engine.lineage("Metro")
        >>> [(node.rule_name, node.row_count) for node in lineage.nodes]
        [('Metro', 2)]
        >>> print(engine.lineage("Metro", format="mermaid"))
        graph LR
          r1["Metro<br/>2 users"]
          style r1 stroke-width:3px
        <BLANKLINE>
        """
        return _drawn(Pending(self._engine.lineage(named(id)), _lineage).wait(), format)

    @overload
    async def lineage_async(self, id: RuleRef, format: Literal["json"] = "json") -> Lineage: ...
    @overload
    async def lineage_async(self, id: RuleRef, format: Literal["mermaid", "dot"]) -> str: ...
    async def lineage_async(self, id: RuleRef, format: str = "json") -> Lineage | str:
        """The same as `lineage`, awaited."""
        return _drawn(await Pending(self._engine.lineage(named(id)), _lineage), format)

    @blocking
    def to_sql(
        self, rule: RuleRef | Conditions, dialect: str = "datafusion", as_of: Instant | None = None
    ) -> Pending[str]:
        """A rule, stored or not, as one SELECT of keys in a dialect.

        >>> print(engine.to_sql("Metro", "duckdb"))
        SELECT "users"."user_id" FROM "users" WHERE ("users"."city_tier" = 1)
        """
        stored, text = wanted(rule)
        return Pending(
            self._engine.to_sql((stored, text), dialect, instant(as_of)), as_is, document=text
        )

    to_sql_async = awaitable(to_sql)

    @blocking
    def sql(self, query: str) -> Pending[Rows]:
        """Runs one SELECT over the tables, the segments (`segment_output_<rule id>`) and the views `rule_table`
        and `segment_catalog`, and holds its rows in memory. Anything but a query is refused.

        >>> engine.sql("select count(*) as n from users join segment_output_1 using (user_id)").to_polars()["n"][0]
        2
        """
        return Pending(self._engine.sql(query), Rows)

    sql_async = awaitable(sql)

    @blocking
    def fields(self) -> Pending[list[FieldInfo]]:
        """Every field that conditions can be about, with its type, its operators and, where they are few, its values.

        >>> field = engine.fields()[1]
        >>> field.name, field.table, field.type, field.operators[:2]
        ('city_tier', 'users', 'integer', ('=', '!='))
        """
        return Pending(self._engine.fields(), as_list(FieldInfo))

    fields_async = awaitable(fields)

    @blocking
    def summary(self) -> Pending[Summary]:
        """Figures of the data, counted now.

        >>> summary = engine.summary()
        >>> summary.total_users, summary.total_transactions, summary.total_segments
        (3, 4, 1)
        """
        return Pending(self._engine.summary(), as_one(Summary))

    summary_async = awaitable(summary)

    @blocking
    def next_runs(self, id: RuleRef, n: int) -> Pending[list[dt.datetime]]:
        """The next `n` times at which a rule's schedule fires.

        >>> rule = engine.rule("Metro").document | {"schedule": "0 6 * * 1-5"}
        >>> _ = engine.update_rule("Metro", rule)
        >>> [at.hour for at in engine.next_runs("Metro", 2)]
        [6, 6]
        """
        call = self._engine.next_runs(named(id), n)
        return Pending(call, lambda instants: [dt.datetime.fromisoformat(at) for at in instants])

    next_runs_async = awaitable(next_runs)

    def to_text(self, conditions: Conditions) -> str:
        """Conditions in the text form, see `RuleParser.to_text`."""
        return RuleParser.to_text(conditions)

    def parse_text(self, text: str) -> Any:
        """The document of conditions in the text form, see `RuleParser.parse_text`."""
        return RuleParser.parse_text(text)

    def model(self) -> AudienceModel:
        """The model that is in force: the one given, the original platform's, or one that is inferred.

        >>> engine.model().users
        {'key': 'user_id', 'table': 'users'}
        """
        return AudienceModel(json.loads(self._engine.model()))

    def infer_model(self) -> Inferred:
        """What would be inferred from the tables that are registered, with the reasons."""
        return inferred(self._engine.infer_model())


def _drawn(lineage: Lineage, format: str) -> Lineage | str:
    drawings: dict[str, Lineage | str] = {"json": lineage, "mermaid": lineage.mermaid, "dot": lineage.dot}
    if format not in drawings:
        raise ValueError(f"{format!r} is no format of a lineage; known are {', '.join(drawings)}")
    return drawings[format]
