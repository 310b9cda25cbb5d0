"""A machine with users and systemd."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.docs.commands.stand_ins.service import answers
from tests.docs.commands.stand_ins.told import Options, Refused, machine, there, variables


def useradd(arguments: Sequence[str]) -> None:
    options = Options("--system", home="--home-dir", shell="--shell")
    options.add_argument("name")
    name = options.parse_args(arguments).name
    (machine() / "etc" / "passwd").write_text(f"{name}\n")


def _is_user(name: str) -> None:
    if name not in there(machine() / "etc" / "passwd").read_text().splitlines():
        raise Refused(f"there is no user {name}")


def chown(arguments: Sequence[str]) -> None:
    user, *paths = arguments
    _is_user(user)
    for path in paths:
        there(path)


def runuser(arguments: Sequence[str]) -> None:
    match arguments:
        case ["-u", user, "--", *words]:
            _is_user(user)
            subprocess.run(words, check=True)
        case _:
            raise Refused(f"{arguments} is not known")


def systemctl(arguments: Sequence[str]) -> None:
    match arguments:
        case ["daemon-reload"]:
            return
        case ["enable", "--now", name] | ["restart", name]:
            unit = there(machine() / "etc" / "systemd" / "system" / f"{name}.service").read_text()
        case _:
            raise Refused(f"{arguments} is not known")
    text = re.sub(r"(?<=[=: ])/(?=opt/|etc/)", f"{machine()}/", unit)
    lines = [line.partition("=")[::2] for line in text.splitlines()]
    (user,) = [value for name, value in lines if name == "User"]
    _is_user(user)
    (start,) = [value for name, value in lines if name == "ExecStart"]
    for word in start.split():
        there(word)
    settings = dict(
        value.split("=", 1) for name, value in lines if name == "Environment" and value.count("=") == 1
    )
    for _, credential in (value.split(":", 1) for name, value in lines if name == "LoadCredential"):
        there(credential)
    (file,) = [value for name, value in lines if name == "EnvironmentFile"]
    settings |= variables(there(file))
    places = {"%S": str(machine() / "var" / "lib"), "%d": str(machine() / "etc" / "pandora-to-v1")}
    for short, place in places.items():
        settings = {name: value.replace(short, place) for name, value in settings.items()}
    Path(settings["STATE_DIR"]).mkdir(exist_ok=True)
    answers(settings)


def sysctl(arguments: Sequence[str]) -> None:
    match arguments:
        case ["-w", setting]:
            there(Path("/proc/sys") / setting.partition("=")[0].replace(".", "/"))
        case _:
            raise Refused(f"{arguments} is not known")
