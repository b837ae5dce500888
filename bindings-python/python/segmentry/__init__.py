"""Segmentry, an embeddable audience-segmentation engine.

An application points it at its users and their events, hands it rules as documents, and gets segments: computed
together at one instant, reused by one another, versioned, and published whole or not at all.

>>> import polars, segmentry
>>> engine = segmentry.SegmentEngine(":memory:")
>>> engine.add_arrow("users", polars.DataFrame({"user_id": [1, 2, 3], "city_tier": [1, 2, 1]}))
>>> rule_id = engine.create_rule({
...     "rule_name": "Metro",
...     "conditions": [{"field": "city_tier", "operator": "=", "value": 1}],
... })
>>> run = engine.refresh([rule_id])
>>> segment = engine.segment("Metro")
>>> len(segment), 1 in segment, polars.DataFrame(segment)["user_id"].to_list()
(2, True, [1, 3])
"""

from segmentry._arrow import ArrowStream, Keys, MissingPackageError, Rows
from segmentry._native import __version__
from segmentry.engine import SegmentEngine
from segmentry.errors import (
    BusyError,
    CancelledError,
    ConflictError,
    DataError,
    InternalError,
    InvalidError,
    NotFoundError,
    Problem,
    SegmentryError,
)
from segmentry.expressions import (
    Condition,
    all_of,
    any_of,
    bucket,
    col,
    did,
    did_not,
    events,
    in_segment,
    not_in_segment,
    rule,
)
from segmentry.parts import (
    AudienceModel,
    DependencyFinder,
    Inferred,
    MemoryCatalog,
    RuleGraph,
    RuleParser,
    SqliteCatalog,
)
from segmentry.scheduler import Scheduler
from segmentry.segment import Segment
from segmentry.types import *  # noqa: F403
from segmentry.types import __all__ as _types

__all__ = [
    "ArrowStream",
    "AudienceModel",
    "BusyError",
    "CancelledError",
    "Condition",
    "ConflictError",
    "DataError",
    "DependencyFinder",
    "Inferred",
    "InternalError",
    "InvalidError",
    "Keys",
    "MemoryCatalog",
    "MissingPackageError",
    "NotFoundError",
    "Problem",
    "Rows",
    "RuleGraph",
    "RuleParser",
    "Scheduler",
    "Segment",
    "SegmentEngine",
    "SegmentryError",
    "SqliteCatalog",
    "__version__",
    "all_of",
    "any_of",
    "bucket",
    "col",
    "did",
    "did_not",
    "events",
    "in_segment",
    "not_in_segment",
    "rule",
    *_types,
]
