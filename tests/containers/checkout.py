"""Copies of this checkout, or of an earlier commit, in which a stack can have its secrets."""

import re
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

from tests.processes import ROOT

DIGEST = re.compile(r"@sha256:[0-9a-f]{64}")
"""What a pinned image may have behind its version, which no stand-in has."""


def present(folder: Path) -> Path:
    """The files that git knows or would add, as they are now; images are named by version alone."""
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard", ":!tests", ":!docs")
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
            target.chmod((ROOT / name).stat().st_mode)
    for path in (folder / "Dockerfile", *(folder / "deploy").glob("*.yaml")):
        path.write_text(DIGEST.sub("", path.read_text()))
    return folder


def of_commit(commit: str, folder: Path) -> Path:
    """The files of a commit."""
    with tarfile.open(fileobj=BytesIO(_git("archive", commit))) as archive:
        archive.extractall(folder, filter="data")
    return folder


def knows(commit: str) -> bool:
    """Whether the history that was cloned reaches back to a commit."""
    command = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
