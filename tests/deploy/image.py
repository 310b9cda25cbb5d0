"""The Dockerfile, read and followed step by step in directories, where no container engine is at hand."""

import json
import re
import shutil
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
Step = tuple[str, str]


def stages() -> list[list[Step]]:
    """Instruction and argument of each step, by stage."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
    found: list[list[Step]] = []
    for line in filter(None, text.splitlines()):
        instruction, _, argument = line.partition(" ")
        if instruction == "FROM":
            found.append([])
        found[-1].append((instruction, argument.strip()))
    return found


def only(stage: list[Step], instruction: str) -> str:
    """The argument of the one step with this instruction."""
    (argument,) = (argument for name, argument in stage if name == instruction)
    return argument


def environment(stage: list[Step]) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", only(stage, "ENV")))


def health_check(stage: list[Step]) -> list[str]:
    command: list[str] = json.loads(only(stage, "HEALTHCHECK").partition("CMD")[2])
    return command


def entry_point(stage: list[Step]) -> list[str]:
    command: list[str] = json.loads(only(stage, "ENTRYPOINT"))
    return command


def in_context(path: str) -> bool:
    """Whether .dockerignore lets a file of the checkout through; the last rule that matches counts."""
    parts = path.split("/")
    parents = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    allowed = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        names = parts if line.startswith("**/") else parents
        if any(fnmatch(name, pattern) for name in names):
            allowed = line.startswith("!")
    return allowed


def copies(stage: list[Step]) -> Iterator[tuple[str, str]]:
    """Source and destination of what is copied from the checkout."""
    for instruction, argument in stage:
        if instruction == "COPY" and not argument.startswith("--from"):
            *sources, destination = argument.split()
            for source in sources:
                yield source, source if destination == "./" else destination


def copy_from_checkout(stage: list[Step], into: Path) -> None:
    """As COPY does, with .dockerignore obeyed. Raises FileNotFoundError."""
    for source, destination in copies(stage):
        path = ROOT / source
        if not path.exists() or not in_context(source):
            raise FileNotFoundError(source)
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            inside = file.relative_to(path) if path.is_dir() else Path()
            if file.is_file() and in_context(str(file.relative_to(ROOT))):
                target = into / destination / inside
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
