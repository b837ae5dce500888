"""The examples run: the notebook from top to bottom, the quickstart as a script, the service over HTTP."""

import importlib.util
import json
import pathlib
import subprocess
import sys
from typing import Any

import nbclient
import nbformat
import polars
import pytest
import segmentry as sg

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
NOTEBOOK = EXAMPLES / "notebooks/audiences.ipynb"


def test_the_notebook_runs() -> None:
    written = nbformat.read(NOTEBOOK, as_version=4)
    run = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(run, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}})
    client.execute()
    # What is committed is what comes out: the same kinds of outputs, and the same text but for the clock's.
    for before, after in zip(written.cells, run.cells, strict=True):
        assert kinds(before) == kinds(after), after.source
        assert before.get("execution_count") == after.get("execution_count")
    assert "552 of 23,570 users" in html_of(run, "engine.preview(")
    assert "86 came to lapse in June, 31 bought again" in html_of(run, "june = ")
    assert "did you mean &quot;total_spend&quot;?" in html_of(run, "total_spent")


def kinds(cell: Any) -> list[Any]:
    return [(output.output_type, sorted(output.get("data", ()))) for output in cell.get("outputs", ())]


def html_of(notebook: Any, source: str) -> str:
    """All that the cell with that source shows."""
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code" and source in cell.source]
    return "".join(str(output.get("text", "")) + str(output.get("data", {}).values()) for output in cell.outputs)


def test_the_notebook_tells_of_no_machine() -> None:
    outputs = [cell.get("outputs", []) for cell in json.loads(NOTEBOOK.read_text())["cells"]]
    text = json.dumps(outputs)
    assert text.count("execute_result") > 8
    for path in ("/home/", "/root/", "/work/", "site-packages", "ipykernel_"):
        assert path not in text


def test_the_quickstart_runs(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLES / "quickstart.py")]
    for arguments in ([], [str(tmp_path / "kept")]):
        done = subprocess.run(command + arguments, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert "2,000 users as of 2026-01-01" in done.stdout
        assert "failed" not in done.stdout
        assert "reused: equal to /conditions/1" in done.stdout
        sizes = dict(line.rsplit(maxsplit=2)[:2] for line in done.stdout.splitlines()[2:7])
        numbers = {name: int(size.replace(",", "")) for name, size in sizes.items()}
        assert all(0 < size < 2_000 for size in numbers.values()), numbers
        assert numbers["High Value, Not Travelling"] < numbers["High Value"]
    kept = sg.SegmentEngine(tmp_path / "kept/audience.db")
    assert len(kept.segment("High Value")) == numbers["High Value"]


@pytest.fixture
def service() -> Any:
    spec = importlib.util.spec_from_file_location("flask_service", EXAMPLES / "flask_service.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    engine = sg.SegmentEngine(":memory:")
    engine.add_arrow(
        "users", polars.DataFrame({"user_id": [1, 2, 3], "tier": [1, 2, 1], "name": ["Ann", "Ben", "Cid"]})
    )
    return module.create_app(engine).test_client()


def test_the_service_has_rules_and_segments(service: Any) -> None:
    document = {"rule_name": "First", "conditions": [{"field": "tier", "operator": "=", "value": 1}]}
    created = service.post("/rules", json=document)
    assert (created.status_code, created.json) == (201, {"rule_id": 1})
    listed = service.get("/rules").json
    assert (listed["total"], listed["items"][0]["id"], listed["items"][0]["rule_name"]) == (1, 1, "First")
    assert service.get("/rules/1").json["rule_name"] == "First"

    run = service.post("/rules/1/refresh?as_of=2026-01-01T00:00:00Z")
    assert run.status_code == 200 and run.json["segments"][0]["row_count"] == 2
    sample = service.get("/segments/1/sample?n=1").json
    assert (sample["segment_name"], sample["row_count"]) == ("First", 2)
    assert sample["rows"] in ([{"user_id": 1, "tier": 1, "name": "Ann"}], [{"user_id": 3, "tier": 1, "name": "Cid"}])

    changed = service.put("/rules/1", json={**document, "rule_name": "First tier"})
    assert changed.status_code == 200 and changed.json["rule_name"] == "First tier"
    assert service.delete("/rules/1").status_code == 204
    assert service.get("/rules/1").status_code == 404


def test_errors_of_the_service_have_the_status_of_their_kind(service: Any) -> None:
    bad = service.post(
        "/rules", json={"rule_name": "Bad", "conditions": [{"field": "teir", "operator": "=", "value": 1}]}
    )
    assert bad.status_code == 422
    (problem,) = bad.json["error"]["problems"]
    assert (problem["path"], problem["hint"]) == ("/conditions/0/field", 'did you mean "tier"?')
    service.post("/rules", json={"rule_name": "First", "conditions": []})
    service.post("/rules", json={"rule_name": "Second", "depends_on": [1], "operation": "UNION"})
    refused = service.delete("/rules/1")
    assert refused.status_code == 409 and "Second" in refused.json["error"]["message"]
    assert service.get("/segments/1/sample").status_code == 404
    assert len((EXAMPLES / "flask_service.py").read_text().splitlines()) < 60
