"""schemathesis makes requests of the OpenAPI document: each answer is described, and none is a 5xx.

It stands in an environment of its own, as it needs another `jsonschema-rs` than the service:

    python3 -m venv tests/service/schemathesis/.venv
    cd tests/service/schemathesis
    .venv/bin/pip install --no-deps --require-hashes -r requirements.txt
"""

import json
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.processes import KEY, ask, environment, service_over_simulator

HERE = Path(__file__).parent / "schemathesis"
PROGRAM = HERE / ".venv" / "bin" / "schemathesis"
SECONDS = 300
"""Many times what it takes: a run that hangs is ended."""
UNSEEN = {
    "/v1/responses/compact", "/console/state", "/console/events", "/admin/accounts", "/admin/reload",
    "/openapi.json",
}  # fmt: skip
"""What is refused always, what a key is not enough for, and the document, which is read and not tried."""


def good_answers(report: Path) -> set[tuple[str, str]]:
    """Methods and paths that have had a 200, by a report in the HAR format."""
    entries = json.loads(report.read_text("utf-8"))["log"]["entries"]
    return {
        (entry["request"]["method"].lower(), urlsplit(entry["request"]["url"]).path)
        for entry in entries
        if entry["response"]["status"] == 200
    }


@pytest.mark.skipif(not PROGRAM.exists(), reason="schemathesis is not installed: see the top of this file")
def test_answers_are_those_that_are_described(tmp_path: Path) -> None:
    settings = {"AUDIO": "true", "ALLOW_ANY_GPT": "true", "MAX_BODY_BYTES": "1000000"}
    # A backend of today, which has the search of GPTs; its pictures take no time.
    with service_over_simulator(settings, ["--age", "2026", "--task-time", "0"]) as pair:
        run = subprocess.run(
            [
                *(PROGRAM, "--config-file", HERE / "schemathesis.toml", "run"),
                *(f"http://127.0.0.1:{pair.port}/openapi.json", "--header", f"Authorization: Bearer {KEY}"),
                *("--no-color", "--report", "har", "--report-har-path", tmp_path / "report.har"),
            ],
            cwd=tmp_path,
            env=environment({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        log = pair.service.output
        paths = ask(pair.port, "GET", "/openapi.json").json["paths"]
    assert run.returncode == 0, run.stdout
    assert "Traceback" not in log
    assert " ERROR " not in log
    plain = {(method, path) for path, item in paths.items() if "{" not in path for method in item}
    missed = {each for each in plain - good_answers(tmp_path / "report.har") if each[1] not in UNSEEN}
    assert not missed, "nothing of what they answer was looked at"
