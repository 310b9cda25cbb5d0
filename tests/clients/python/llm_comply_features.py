"""llm-comply, a kit that checks answers against the schemas of an API, in the formats spoken here."""

import json
import subprocess
import sys
from pathlib import Path

from tests.clients.python.reporting import KEY, URL, Feature, report

KIT = Path(sys.executable).with_name("llm-comply")


def all_cases(format: str, model: str, *options: str) -> None:
    """Every case passes. By the model's name the kit decides whether it asks for thoughts, too."""
    arguments = [str(KIT), "--json", "--format", format, "-u", URL, "-k", KEY, "-m", model, *options]
    run = subprocess.run(arguments, capture_output=True, text=True)
    results = json.loads(run.stdout)["results"]
    assert results
    missed = {
        each["id"]: each.get("errors", each["status"]) for each in results if each["status"] != "passed"
    }
    assert not missed, missed


if __name__ == "__main__":
    report(
        ["llm-comply"],
        {
            "`open-responses`, 13 cases": Feature(
                lambda: all_cases("open-responses", "gpt-5-6-thinking"), posts=10
            ),
            "`openai-chat`, 9 cases": Feature(lambda: all_cases("openai-chat", "gpt-5-6-thinking"), posts=8),
            "`anthropic`, 9 cases": Feature(
                lambda: all_cases("anthropic", "claude-opus-5", "--auth-header", "x-api-key", "--no-bearer"),
                posts=8,
            ),
        },
    )
