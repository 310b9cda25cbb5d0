"""The context of the image, as an archive that `docker build` can be run in: no checkout is needed."""

import gzip
import io
import subprocess
import tarfile
from fnmatch import fnmatch
from pathlib import Path

MADE_AT = 315532800
"""The time of all files in the archive, in seconds since 1970: the beginning of 1980."""


def image_context(root: Path, folder: str) -> bytes:
    """A tar.gz with `folder`: the Dockerfile and what `.dockerignore` lets through, as git has it at `root`.

    Names are sorted, and nothing tells who made it or when. Raises CalledProcessError where there is no git.
    """
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in _names(root):
            path = root / name
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime = path.stat().st_size, MADE_AT
            with path.open("rb") as file:
                archive.addfile(entry, file)
    return gzip.compress(raw.getvalue(), mtime=0)


def _names(root: Path) -> list[str]:
    rules = [line for line in (root / ".dockerignore").read_text().splitlines() if line]
    wanted = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    left_out = [rule.removeprefix("**/") for rule in rules if rule.startswith("**/")]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", "Dockerfile", ".dockerignore", *wanted],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    names = listed.stdout.split("\0")[:-1]
    return sorted(name for name in names if not _matches(name, left_out))


def _matches(name: str, rules: list[str]) -> bool:
    """Whether a folder of the path `name`, or its file, is one of those that `rules` leave out."""
    return any(fnmatch(part, rule) for part in name.split("/") for rule in rules)
