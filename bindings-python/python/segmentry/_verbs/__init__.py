"""The verbs of an engine, by what they are about. `SegmentEngine` has them all."""

from segmentry._verbs.questions import QuestionVerbs
from segmentry._verbs.rules import RuleVerbs
from segmentry._verbs.runs import RunVerbs
from segmentry._verbs.sources import SourceVerbs
from segmentry._verbs.upkeep import UpkeepVerbs

__all__ = ["QuestionVerbs", "RuleVerbs", "RunVerbs", "SourceVerbs", "UpkeepVerbs"]
