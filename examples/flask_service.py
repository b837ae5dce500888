"""Segmentry within a Flask service: `pip install flask`, then `flask --app examples/flask_service.py run`.

SEGMENTRY_CATALOG names the catalog, SEGMENTRY_DATA a folder of Parquet files, each a table under its file's name. A job that
calls `engine.scheduler().start()` may run in this process or in any other on the same catalog.
"""

import os
from dataclasses import asdict
from pathlib import Path

import segmentry
from flask import Flask, request

# What the caller should do about an error is its kind; HTTP has a number for each.
STATUS = {"invalid": 422, "not_found": 404, "conflict": 409, "busy": 503, "cancelled": 503}


def create_app(engine: segmentry.SegmentEngine | None = None) -> Flask:
    if engine is None:
        engine = segmentry.SegmentEngine(os.environ.get("SEGMENTRY_CATALOG", "audience.db"))
        for file in Path(os.environ.get("SEGMENTRY_DATA", "data")).glob("*.parquet"):
            engine.add_parquet(file.stem, file)
    app = Flask(__name__)

    @app.errorhandler(segmentry.SegmentryError)
    def failed(error):
        problems = [asdict(problem) for problem in error.problems]
        return {"error": {"code": error.code, "message": str(error), "problems": problems}}, STATUS.get(error.kind, 500)

    @app.get("/rules")
    def rules():
        page = engine.rules(request.args.get("page", 1, int), request.args.get("per_page", 10, int))
        return {"items": [{"id": rule.id, **rule.document} for rule in page], "total": page.total, "pages": page.pages}

    @app.post("/rules")
    def create():
        return {"rule_id": engine.create_rule(request.get_json())}, 201

    @app.route("/rules/<int:rule>", methods=["GET", "PUT", "DELETE"])
    def one_rule(rule):
        if request.method == "PUT":
            engine.update_rule(rule, request.get_json())
        if request.method == "DELETE":
            engine.delete_rule(rule)
            return "", 204
        return {"id": rule, **engine.rule(rule).document}

    @app.post("/rules/<int:rule>/refresh")
    def refresh(rule):
        return asdict(engine.refresh([rule], as_of=request.args.get("as_of")))

    @app.get("/segments/<int:rule>/sample")
    def sample(rule):
        segment = engine.segment(rule)
        rows = segment.sample(request.args.get("n", 100, int)).to_pylist()
        return {"segment_name": segment.segment_name, "row_count": segment.row_count, "rows": rows}

    return app
