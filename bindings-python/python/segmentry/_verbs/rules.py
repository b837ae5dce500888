"""The verbs on rules."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from segmentry._calls import Pending, as_is, awaitable, blocking, nothing
from segmentry._documents import RuleDocument, RuleRef, document, named
from segmentry._verbs.base import Verbs, as_list, as_one, as_page
from segmentry.errors import Problem
from segmentry.types import Page, Rule, RuleVersion, Updated


class RuleVerbs(Verbs):
    """The verbs on rules: nothing is stored that does not bind."""

    @blocking
    def validate(self, rule: RuleDocument) -> Pending[list[Problem]]:
        """Everything that is wrong with a rule; empty when it could be created.

        >>> wrong = {"rule_name": "Metro 2", "conditions": [{"field": "city_teir", "operator": "=", "value": 1}]}
        >>> [(problem.code, problem.path, problem.hint) for problem in engine.validate(wrong)]
        [('unknown_field', '/conditions/0/field', 'did you mean "city_tier"?')]
        """
        text = document(rule)
        return Pending(self._engine.validate(text), as_list(Problem), document=text)

    validate_async = awaitable(validate)

    @blocking
    def create_rule(self, rule: RuleDocument) -> Pending[int]:
        """Stores a new rule and answers its id. Its segment is computed by a refresh.

        Raises `InvalidError` with all of the rule's problems; nothing is stored then.

        >>> engine.create_rule({
        ...     "rule_name": "Tier 2",
        ...     "conditions": [{"field": "city_tier", "operator": "=", "value": 2}],
        ... })
        2
        """
        text = document(rule)
        return Pending(self._engine.create_rule(text), as_is, document=text)

    create_rule_async = awaitable(create_rule)

    @blocking
    def update_rule(self, id: RuleRef, rule: RuleDocument, if_version: int | None = None) -> Pending[Updated]:
        """Gives a rule a new wording and answers which other rules need it.

        Its segment stays as it is until it is refreshed. With `if_version` it is a `ConflictError` if the
        rule has another version by now.

        >>> engine.update_rule("Metro", {"rule_name": "Metro", "conditions": []}, if_version=1)
        Updated(affects=())
        >>> engine.rule("Metro").version
        2
        """
        text = document(rule)
        return Pending(self._engine.update_rule(named(id), text, if_version), as_one(Updated), document=text)

    update_rule_async = awaitable(update_rule)

    @blocking
    def delete_rule(self, id: RuleRef) -> Pending[None]:
        """Removes a rule with its segment; its history stays. A `ConflictError` names the rules that need it.

        >>> engine.delete_rule("Metro")
        >>> engine.rules().total
        0
        """
        return Pending(self._engine.delete_rule(named(id)), nothing)

    delete_rule_async = awaitable(delete_rule)

    @blocking
    def rule(self, id: RuleRef) -> Pending[Rule]:
        """One rule, by id or name.

        >>> rule = engine.rule("Metro")
        >>> rule.id, rule.version, rule["conditions"][0]["field"]
        (1, 1, 'city_tier')
        """
        return Pending(self._engine.rule(named(id)), as_one(Rule))

    rule_async = awaitable(rule)

    @blocking
    def rules(self, page: int = 1, per_page: int = 10, search: str | None = None) -> Pending[Page[Rule]]:
        """Rules by id, of those whose name contains `search` in any case.

        >>> [rule.rule_name for rule in engine.rules(search="metr")]
        ['Metro']
        """
        return Pending(self._engine.rules(page, per_page, search), as_page(Rule))

    rules_async = awaitable(rules)

    @blocking
    def rule_history(self, id: int) -> Pending[list[RuleVersion]]:
        """Every wording that a rule had, oldest first; the rule may be deleted by now.

        >>> [wording.version for wording in engine.rule_history(1)]
        [1]
        """
        return Pending(self._engine.rule_history(id), as_list(RuleVersion))

    rule_history_async = awaitable(rule_history)

    @blocking
    def import_rules(self, docs: Iterable[RuleDocument]) -> Pending[list[int]]:
        """Creates or, by name, updates many rules: all of them or none. They may refer to one another.

        >>> other = {"rule_name": "Others", "conditions": [{"field": "segment", "operator": "notIn", "value": "Metro"}]}
        >>> engine.import_rules([other, engine.rule("Metro")])
        [2, 1]
        """
        texts = [document(rule) for rule in docs]
        return Pending(self._engine.import_rules(texts), as_is, document=f"[{', '.join(texts)}]")

    import_rules_async = awaitable(import_rules)

    @blocking
    def export_rules(self) -> Pending[list[dict[str, Any]]]:
        """The documents of all rules by id, as `import_rules` takes them.

        >>> [rule["rule_name"] for rule in engine.export_rules()]
        ['Metro']
        """
        return Pending(self._engine.export_rules(), json.loads)

    export_rules_async = awaitable(export_rules)

    @blocking
    def set_max_change(self, id: RuleRef, fraction: float | None) -> Pending[None]:
        """Holds a publication back that would change a segment's size by more than this fraction; none if `None`.

        Such a rule is in the run's `failed` with the code `implausible_change`; what was published before
        stands. `refresh(accept_change=[...])` publishes it.

        >>> engine.set_max_change("Metro", 0.5)
        >>> engine.max_changes()
        {1: 0.5}
        """
        return Pending(self._engine.set_max_change(named(id), fraction), nothing)

    set_max_change_async = awaitable(set_max_change)

    @blocking
    def max_changes(self) -> Pending[dict[int, float]]:
        """The guards that are set, by rule."""
        return Pending(self._engine.max_changes(), as_is)

    max_changes_async = awaitable(max_changes)
