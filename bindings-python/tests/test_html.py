"""What notebooks show: right figures, marks at the right places, and nothing that a hostile name could smuggle in."""

import datetime as dt
import json
import pathlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest
import segmentry as sg
from segmentry import _html
from segmentry._drawing import BOX, HIGH, NODES, layout
from segmentry._marked import marked, plain_lines
from segmentry.errors import Problem
from segmentry.types import Lineage, LineageEdge, LineageNode

BAD = pathlib.Path(__file__).parents[2] / "core/tests/bad/documents"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOSTILE = """<script>alert(1)</script><img src=x onerror='alert(2)'>"&amp;</pre></svg>"""

TAGS = frozenset(
    [
        "div",
        "span",
        "b",
        "br",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "details",
        "summary",
        "pre",
        "code",
        "mark",
        "svg",
        "rect",
        "path",
        "text",
        "g",
        "title",
    ]
)
ATTRIBUTES = frozenset(
    [
        "style",
        "class",
        "role",
        "aria-label",
        "title",
        "xmlns",
        "width",
        "height",
        "viewbox",
        "d",
        "fill",
        "fill-opacity",
        "stroke",
        "stroke-width",
        "stroke-dasharray",
        "rx",
        "x",
        "y",
        "opacity",
        "font-size",
        "font-weight",
    ]
)
VOID = {"br"}


class Checked(HTMLParser):
    """Well-formed HTML of a few harmless tags that needs nothing from elsewhere."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert name in ATTRIBUTES, name
            assert name == "xmlns" or "://" not in (value or "").replace(HOSTILE, ""), value
            assert "url(" not in (value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def text_of(html: str) -> str:
    return " ".join(" ".join(Checked(html).texts).split())


@pytest.fixture
def engine(tmp_path: pathlib.Path) -> sg.SegmentEngine:
    rows = [f'{user},{user % 4},"{HOSTILE.replace(chr(34), chr(34) * 2)}"' for user in range(1, 101)]
    (tmp_path / "users.csv").write_text("\n".join(["user_id,city_tier,name", *rows]))
    paid = [f"{user},2025-12-{user % 28 + 1:02}T10:00:00,{user * 10}" for user in range(1, 101)]
    (tmp_path / "payments.csv").write_text("\n".join(["user_id,paid_at,amount", *paid]))
    engine = sg.SegmentEngine(tmp_path / "audience.db")
    engine.add_csv("users", tmp_path / "users.csv")
    engine.add_csv("payments", tmp_path / "payments.csv")
    engine.create_rule(sg.rule("First tier", sg.col("city_tier") == 1, description=HOSTILE))
    spent = sg.events("payments").last("30 days").sum("amount") > 500
    engine.create_rule(sg.rule(HOSTILE, (sg.col("city_tier") == 1) & spent & (sg.col("name") == HOSTILE)))
    engine.create_rule(sg.rule("Both", depends_on=["First tier", HOSTILE], operation="INTERSECTION", include=[900]))
    return engine


def test_results_show_their_figures(engine: sg.SegmentEngine) -> None:
    run = engine.refresh(as_of=NOW)
    told = text_of(run._repr_html_())
    assert "First tier 25" in told
    assert f"{HOSTILE} {run.segments[1].row_count}" in told
    assert "2026-01-01 00:00 UTC" in told

    segment = text_of(engine.segment(HOSTILE)._repr_html_())
    assert f"{run.segments[1].row_count} users" in segment
    assert "user_id city_tier name" in segment and "SELECT" in segment.upper()

    conditions = [(sg.col("city_tier") == 1).to_document(), (sg.col("name") == HOSTILE).to_document()]
    preview = text_of(engine.preview(conditions, as_of=NOW)._repr_html_())
    assert "25 of 100 users 25.0%" in preview
    assert "users left" in preview and "city_tier = 1 25" in preview
    either = text_of(engine.preview("city_tier = 1 or city_tier = 2", as_of=NOW)._repr_html_())
    assert "50 of 100 users" in either and "users left" not in either

    lineage = text_of(engine.lineage("Both")._repr_html_())
    assert "Lineage of Both" in lineage and HOSTILE in lineage
    rule = text_of(engine.rule(HOSTILE)._repr_html_())
    assert "rule 2, version 1" in rule and "city_tier = 1 and sum(payments.amount, last => '30 days') > 500" in rule

    explained = engine.explain(HOSTILE, 1)
    told = text_of(explained._repr_html_())
    assert "✗ 1 is not a member" in told and "has 10" in told and "needs > 500" in told
    assert "from 2025-12-02 00:00 UTC until 2026-01-01 00:00 UTC" in told
    assert "all of" in text_of(explained.root._repr_html_())

    assert "3 in all page 1 of 1 rule name says" in text_of(engine.rules()._repr_html_())
    assert "1 First tier city_tier = 1" in text_of(engine.rules()._repr_html_())
    assert "3 Both INTERSECTION of 1, 2" in text_of(engine.rules()._repr_html_())
    assert "1 First tier 25 2026-01-01 00:00 UTC" in text_of(engine.segments()._repr_html_())
    assert f"{run.id} 2026-01-01 00:00 UTC 3 0" in text_of(engine.runs()._repr_html_())
    assert "0 in all" in text_of(engine.rules(search="nothing")._repr_html_())

    overlap = text_of(engine.overlap(["First tier", HOSTILE])._repr_html_())
    assert f"First tier 25 {run.segments[1].row_count}" in overlap


def test_bars_are_as_long_as_their_numbers(engine: sg.SegmentEngine) -> None:
    html = engine.preview([(sg.col("city_tier") == 1).to_document()], as_of=NOW)._repr_html_()
    widths = [float(width) for width in re.findall(r'<rect width="([\d.]+)" height="12" rx="2" fill="#\w+"/>', html)]
    assert widths == [180.0, 45.0]


def test_a_failed_rule_is_told_in_its_run(engine: sg.SegmentEngine, tmp_path: pathlib.Path) -> None:
    engine.create_rule(sg.rule("Named", sg.col("name").is_not_null()))
    engine.create_rule(sg.rule("After", sg.in_segment("Named")))
    (tmp_path / "users.csv").write_text("user_id,city_tier\n1,1\n")
    reopened = sg.SegmentEngine(tmp_path / "audience.db")
    reopened.add_csv("users", tmp_path / "users.csv")
    reopened.add_csv("payments", tmp_path / "payments.csv")
    told = text_of(reopened.refresh(["First tier", "Named", "After"], as_of=NOW)._repr_html_())
    assert "✗ failed Named" in told and "– skipped After" in told and "/conditions" in told


def test_a_segment_without_its_sources(engine: sg.SegmentEngine, tmp_path: pathlib.Path) -> None:
    engine.refresh(as_of=NOW)
    told = text_of(sg.SegmentEngine(tmp_path / "audience.db").segment("First tier")._repr_html_())
    assert "25 users" in told and "no rows" in told


def test_errors_mark_the_bad_places(engine: sg.SegmentEngine) -> None:
    document = {
        "rule_name": f"Another {HOSTILE}",
        "conditions": [{"field": "city_teir", "operator": "=", "value": 1}, {"field": "city_tier", "operator": "~"}],
    }
    with pytest.raises(sg.SegmentryError) as raised:
        engine.create_rule(document)
    html = raised.value._repr_html_()
    assert marks(html) == ['"field": "city_teir"', '"operator": "~"']
    assert 'did you mean "city_tier"?' in text_of(html)
    lines = _html.error_lines(raised.value)
    at = next(row for row, line in enumerate(lines) if "city_teir" in line)
    assert lines[at + 1].startswith("    " + " " * lines[at][4:].index('"') + "^" * 20 + " unknown_field")

    with pytest.raises(sg.SegmentryError) as raised:
        engine.preview("city_tier = 1\nand cuont(payments) > 3")
    assert marks(raised.value._repr_html_()) == ["cuont"]


def test_errors_without_a_place_are_told(engine: sg.SegmentEngine) -> None:
    with pytest.raises(sg.NotFoundError) as raised:
        engine.segment("Nobody")
    assert 'no rule is named "Nobody"' in text_of(raised.value._repr_html_())
    error = sg.InvalidError("wrong", [Problem("malformed", "", "all of it is wrong")])
    error.document = "{no JSON"
    told = text_of(error._repr_html_())
    assert "{no JSON" in told and "all of it is wrong" in told


def marks(html: str) -> list[str]:
    Checked(html)
    found = re.findall(r"<mark[^>]*>(.*?)</mark>", html)
    return [mark.replace("&quot;", '"').replace("&lt;", "<").replace("&amp;", "&") for mark in found]


BAD_DOCUMENTS = sorted(BAD.glob("**/*.json"))


def test_the_bad_documents_are_there() -> None:
    assert len(BAD_DOCUMENTS) > 5


@pytest.mark.parametrize("path", BAD_DOCUMENTS, ids=lambda path: path.stem)
def test_every_bad_document_is_shown(path: pathlib.Path) -> None:
    for bad in json.loads(path.read_text()):
        document = bad.get("document", bad.get("rule", bad))
        problems = [Problem("bad_value", problem["path"], "wrong") for problem in bad.get("problems", [])]
        lines = marked(document, problems)
        assert sum(len(line.marks) for line in lines) == len(problems)
        assert plain_lines(lines)


def test_of_a_large_document_the_marked_places_are_shown() -> None:
    conditions: list[Any] = [{"field": f"f{at}", "operator": "in", "value": list(range(50))} for at in range(10_000)]
    problems = [Problem("bad_value", path, "wrong") for path in ("/conditions/7000/value/30", "/conditions/2/field")]
    lines = marked({"rule_name": "Large", "conditions": conditions}, problems)
    assert len(lines) < 60
    found = [line.text.strip()[: mark.end - mark.start] for line in lines for mark in line.marks]
    assert found == ['"field": "f2"', "30"]
    assert any("… 6,988 more" in line.text for line in lines)


def test_a_place_that_is_not_there_is_the_nearest_around_it() -> None:
    problems = [Problem("missing_member", "/a~1b/0/value", "missing"), Problem("malformed", "", "wrong")]
    lines = marked({"a/b": [{"field": "x"}]}, problems)
    assert [(line.text.strip(), len(line.marks)) for line in lines if line.marks] == [("{", 1), ('{"field": "x"}', 1)]


def test_texts_that_are_no_json_are_shown_as_they_are() -> None:
    lines = marked("{not json <b>", [Problem("malformed", "", "no JSON")])
    assert [line.text for line in lines] == ["{not json <b>"]


def lineage_of(names: dict[int, str], edges: list[tuple[int, int]], root: int) -> Lineage:
    nodes = tuple(LineageNode(rule, name, rule * 10, NOW, rule % 5 != 0) for rule, name in names.items())
    kinds = ("operand", "condition", "reused")
    drawn = tuple(LineageEdge(a, b, kinds[at % 3], f"edge {at} {HOSTILE}") for at, (a, b) in enumerate(edges))
    return Lineage(root, nodes, drawn, mermaid="", dot="")


def test_a_lineage_is_drawn_in_layers() -> None:
    names = {rule: f"Rule {rule} {HOSTILE}" for rule in range(1, 13)}
    edges = [(a, b) for a in names for b in names if a < b and (a * b) % 5 in (1, 2)]
    lineage = lineage_of(names, edges, 6)
    Checked(lineage._repr_html_())
    plan = layout(lineage)
    boxes = [plan.place[rule] for rule in plan.nodes]
    assert len(boxes) == 10  # all but rules 5 and 10, which nothing joins to rule 6
    for edge in plan.edges:
        assert plan.place[edge.from_][0] + BOX < plan.place[edge.to][0]
    for at, (x, y) in enumerate(boxes):
        assert 0 < x and x + BOX < plan.wide and HIGH // 2 < y and y + HIGH // 2 < plan.high
        assert all(abs(x - left) > BOX or abs(y - middle) > HIGH for left, middle in boxes[at + 1 :])


def test_a_large_lineage_is_drawn_around_its_rule() -> None:
    names = {rule: f"Rule {rule}" for rule in range(1, 1001)}
    lineage = lineage_of(names, [(rule, rule + 1) for rule in range(1, 1000)], 500)
    plan = layout(lineage)
    assert len(plan.nodes) == NODES and plan.left_out == 1000 - NODES
    assert 500 in plan.nodes and 470 in plan.nodes and 1 not in plan.nodes
    assert f"{1000 - NODES} rules further away" in text_of(lineage._repr_html_())


def test_a_rule_by_itself_is_drawn() -> None:
    Checked(lineage_of({1: "Alone"}, [], 1)._repr_html_())
