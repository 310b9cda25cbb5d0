"""`docker` and its `compose`, without an engine."""

import argparse
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.deploy.compose import FILES, load
from tests.docs.commands.stand_ins.service import answers, run_server
from tests.docs.commands.stand_ins.told import SIMULATOR, Options, Refused, machine, there, variables

IMAGE: str = load("compose.yaml")["services"]["pandora"]["image"]


def docker(arguments: Sequence[str]) -> None:
    verb, *rest = arguments
    {"compose": _compose, "build": _docker_build, "push": _docker_push, "run": _docker_run}[verb](rest)


def _docker_build(arguments: Sequence[str]) -> None:
    options = Options(tag="-t --tag")
    options.add_argument("context")
    told = options.parse_args(arguments)
    there(Path(told.context) / "Dockerfile")
    (tag,) = told.tag
    _docker_push([tag])


def _docker_push(arguments: Sequence[str]) -> None:
    (image,) = arguments
    if not re.fullmatch(rf"([\w.-]+/)?{re.escape(IMAGE)}", image):
        raise Refused(f"{image} is not the image of this version, {IMAGE}")


def _docker_run(arguments: Sequence[str]) -> None:
    options = Options(
        "-d --detach", "--rm", "--init", "--read-only",
        name="--name", restart="--restart", tmpfs="--tmpfs", drop="--cap-drop", security="--security-opt",
        memory="--memory", pids="--pids-limit", stop="--stop-timeout", host="--add-host",
        publish="-p --publish", volume="-v --volume", env="-e --env", user="-u --user",
    )  # fmt: skip
    options.add_argument("image")
    options.add_argument("command", nargs=argparse.REMAINDER)
    told = options.parse_args(arguments)
    _docker_push([told.image])
    folders = {"/state": machine() / "state"}
    for volume in told.volume:
        source, target, *_ = volume.split(":")
        folders[target] = there(source) if "/" in source else machine() / source
    settings = {
        name: _on_host(value, folders) for name, _, value in (given.partition("=") for given in told.env)
    }
    settings = {"STATE_DIR": str(folders["/state"])} | settings
    if told.command:
        run_server([_on_host(word, folders) for word in told.command], settings)
    else:
        answers(settings)


def _on_host(text: str, folders: Mapping[str, Path]) -> str:
    """A word that is meant for a container, with its folders and its host where they are here."""
    for target, source in folders.items():
        text = re.sub(rf"^{re.escape(target)}(?=/|$)", str(source), text)
    text = text.replace("host.docker.internal", "127.0.0.1")
    return text.replace("127.0.0.1:8181", f"127.0.0.1:{os.environ[SIMULATOR]}")


_VERBS: Mapping[str, argparse.ArgumentParser] = {
    "up": Options("-d --detach", "--build", "--wait"),
    "down": Options(),
    "build": Options(),
    "stop": Options(),
    "ps": Options(),
    "logs": Options("-f --follow", tail="--tail"),
    "kill": Options(signal="-s --signal"),
    "exec": Options(),
    "run": Options("--rm"),
    "cp": Options(),
}
"""What compose can be told, by verb, with the options that the documents use."""
for _verb in _VERBS.values():
    _verb.add_argument("words", nargs=argparse.REMAINDER)


def _compose(arguments: Sequence[str]) -> None:
    options = Options(file="-f --file", profile="--profile")
    options.add_argument("verb", choices=_VERBS)
    options.add_argument("rest", nargs=argparse.REMAINDER)
    told = options.parse_args(arguments)
    (file,) = told.file
    folder = there(file).resolve().parent
    if Path(file).name not in FILES:
        raise Refused(f"{file} is not to be started by itself")
    given = variables(folder / ".env")
    # The PORT of the shell is for services without a container.
    shell = {name: value for name, value in os.environ.items() if name != "PORT"}
    try:
        services = load(Path(file).name, given | shell)["services"]
    except KeyError as missing:
        raise Refused(f"required variable {missing} is missing a value") from None
    words: list[str] = _VERBS[told.verb].parse_args(told.rest).words
    profiles = {*told.profile, *filter(None, given.get("COMPOSE_PROFILES", "").split(","))}
    known = {profile for service in services.values() for profile in service.get("profiles", [])}
    if profiles - known:
        raise Refused(f"no service has the profiles {profiles - known}")
    named = words[:1] if told.verb in ("exec", "run") else [] if told.verb == "cp" else words
    if set(named) - services.keys():
        raise Refused(f"no such service: {named}")
    folders = {
        "/run/secrets": folder / "secrets",
        "/config": folder / "config",
        "/state": machine() / "state",
    }
    settings = given | services["pandora"]["environment"]
    settings = {name: _on_host(value, folders) for name, value in settings.items()}
    settings.pop("REDIS_URL_FILE", None)  # there is no Redis; the ledger is a file then
    if told.verb == "up":
        started = {
            name: service
            for name, service in services.items()
            if not service.get("profiles") or profiles & set(service["profiles"])
        }
        for service in started.values():
            for secret in service.get("secrets", []):
                there(folder / "secrets" / secret)
        answers(settings)
    elif told.verb == "cp":
        source, target = words
        shutil.copy(_on_host(source.removeprefix("pandora:"), folders), target)
    elif told.verb in ("exec", "run"):
        _in_container([_on_host(word, folders) for word in words[1:]], settings, entered=told.verb == "exec")


def _in_container(words: list[str], settings: Mapping[str, str], *, entered: bool) -> None:
    """Run words beside the service of a container, or in place of its arguments."""
    if not entered:
        run_server(words, settings)
    elif words[:2] == ["python", "server.py"]:
        run_server(words[2:], settings)
    else:
        subprocess.run(words, check=True)
