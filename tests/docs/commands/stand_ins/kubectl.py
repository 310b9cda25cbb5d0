"""`kubectl`, without a cluster."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.docs.commands.stand_ins.service import run_server
from tests.docs.commands.stand_ins.told import Refused, machine, there
from tests.source_tree import ROOT


def kubectl(arguments: Sequence[str]) -> None:
    folder = ROOT / "deploy" / "kubernetes"
    match arguments:
        case ["create", "secret", "generic", name, *literals]:
            example: dict[str, Any] = yaml.safe_load((folder / "secret.example.yaml").read_text())
            given = {re.fullmatch(r"--from-literal=(\w+)=.+", literal)[1] for literal in literals}  # type: ignore[index]
            if (name, given) != (example["metadata"]["name"], example["stringData"].keys()):
                raise Refused(f"the secret of the deployment has another name or other keys than {given}")
        case ["apply", "-k", path]:
            listed: dict[str, Any] = yaml.safe_load(there(Path(path) / "kustomization.yaml").read_text())
            for resource in listed["resources"]:
                there(Path(path) / resource)
        case ["exec", pod, "--", "python", "server.py", *words]:
            deployment: dict[str, Any] = yaml.safe_load((folder / "deployment.yaml").read_text())
            if pod != f"deploy/{deployment['metadata']['name']}":
                raise Refused(f"there is no {pod}")
            state = machine() / "state"
            run_server([re.sub("^/state", str(state), word) for word in words], {"STATE_DIR": str(state)})
        case _:
            raise Refused(f"{arguments} is not known")
