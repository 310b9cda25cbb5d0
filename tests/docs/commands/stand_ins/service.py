"""The service, as a container or a unit starts it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

from tests.docs.commands.stand_ins.told import Refused, machine
from tests.processes import ask, listening_port, new_key, running
from tests.source_tree import ROOT


def answers(settings: Mapping[str, str]) -> None:
    """Start the service with these settings, ask it a question, and stop it; not again if it has answered."""
    done = machine() / "answered.json"
    if done.exists() and json.loads(done.read_text()) == settings:
        return
    given = {name: value for name, value in settings.items() if name not in ("HOST", "PORT")} | {"PORT": "0"}
    with running(["server.py"], given) as service:
        port = listening_port(service)
        path = given.get("API_PREFIX", "") and f"/{given['API_PREFIX']}"
        question = {"model": "gpt-3.5-turbo", "messages": [{"role": "user", "content": "in one word"}]}
        status = ask(port, "POST", f"{path}/v1/chat/completions", question, new_key()).status
        service.signal(15)
        code = service.exit_code(30)
        expected = 401 if given.get("ACCOUNTS_FILE") else 200
        if (status, code) != (expected, 0):
            raise Refused(
                f"the service answers with status {status}, and ends with code {code}:\n{service.output}"
            )
    done.write_text(json.dumps(settings))


def run_server(arguments: Sequence[str], settings: Mapping[str, str]) -> None:
    """A command of the service beside a running one."""
    environment = {"PATH": os.environ["PATH"], **settings}
    done = subprocess.run([sys.executable, str(ROOT / "server.py"), *arguments], env=environment, check=False)
    if done.returncode:
        raise Refused(f"server.py {' '.join(arguments)} ends with code {done.returncode}")
