"""A stand-in for `docker`, as far as `deploy/upgrade` calls it: `python stub_engine.py STATE COMMAND...`.

STATE is a file of JSON: `instances` by id, oldest first, with their `version` and `status` (`running`,
`exited`), the `version` of the image, whether new ones become `healthy`, and `calls`, what was called so far.
"""

import json
import sys
from pathlib import Path
from typing import Any


def call(state: dict[str, Any], command: list[str]) -> str:
    """Do what `docker COMMAND...` does, and give what it prints. Raises ValueError for an unknown command."""
    instances: dict[str, dict[str, Any]] = state["instances"]
    match command:
        case ["compose", "-f", file, *rest] if file.endswith("/compose.scale.yaml"):
            return _compose(state, rest)
        case ["inspect", "--format", "{{.State.Health.Status}}", one]:
            return str(instances[one]["health"])
        case ["stop", one]:
            instances[one]["status"] = "exited"
        case ["rm", *options, one]:
            if instances[one]["status"] == "running" and options != ["--force"]:
                raise ValueError("it runs")
            del instances[one]
        case ["logs", "--tail", "20", one]:
            return f"the last words of {one}"
        case _:
            raise ValueError(f"unknown: {command}")
    return ""


def _compose(state: dict[str, Any], command: list[str]) -> str:
    instances: dict[str, dict[str, Any]] = state["instances"]
    match command:
        case ["ps", "--quiet", "pandora"]:
            return "\n".join(one for one in instances if instances[one]["status"] == "running")
        case ["rm", "--force", "pandora"]:
            for ended in [one for one in instances if instances[one]["status"] == "exited"]:
                del instances[ended]
        case ["up", "--detach", "--no-deps", "--no-recreate", "--no-build", "--scale", scale, "pandora"]:
            for instance in instances.values():
                instance["status"] = "running"
            while len(instances) < int(scale.removeprefix("pandora=")):
                state["made"] += 1
                instances[f"new-{state['made']}"] = {
                    "version": state["version"],
                    "status": "running",
                    "health": "healthy" if state["healthy"] else "starting",
                }
        case _:
            raise ValueError(f"unknown: {command}")
    return ""


if __name__ == "__main__":
    path, command = Path(sys.argv[1]), sys.argv[2:]
    state = json.loads(path.read_text())
    printed = call(state, command)
    healthy = [
        one for one in state["instances"].values() if (one["status"], one["health"]) == ("running", "healthy")
    ]
    state["calls"].append({"command": command, "healthy": len(healthy)})
    path.write_text(json.dumps(state))
    if printed:
        print(printed)
