"""The bill of materials (CycloneDX): what of others the image holds, as the lock files pin it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

LOCKS: Final = ("requirements.lock", "requirements-traces.lock")
"""What the Dockerfile installs; the wheel needs the first one."""
VENDORED: Final = "console/vendor/package.json"
"""What the console has from others, as copies."""
PIN: Final = re.compile(r"^(\S+)==.*\n(?:[ \t]+.*\n)*", re.MULTILINE)
"""A package of a lock file, with its digests."""


def bill_of_materials(root: Path, version: str) -> bytes:
    """The document, as JSON, of the service at `root` in this version; without times and random numbers.

    Raises CalledProcessError if it would not be valid.
    """
    pins = {found[1]: found[0] for lock in LOCKS for found in PIN.finditer((root / lock).read_text())}
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", "--output-reproducible"]
    command += ["--pyproject", str(root / "pyproject.toml"), "-"]
    done = subprocess.run(
        command,
        input="".join(pins[name] for name in sorted(pins)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    bill: dict[str, Any] = json.loads(done.stdout)
    bill["metadata"]["component"]["version"] = version  # which pyproject.toml does not have
    for component in bill["components"]:
        del component["description"]  # the lines of the lock file once more
    vendored: dict[str, str] = json.loads((root / VENDORED).read_text())["dependencies"]
    bill["components"] += [_vendored(name, vendored[name]) for name in sorted(vendored)]
    return f"{json.dumps(bill, indent=1, sort_keys=True)}\n".encode()


def _vendored(name: str, version: str) -> dict[str, str]:
    group, _, short = name.rpartition("/")
    purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
    component = {"bom-ref": purl, "type": "library", "name": short, "version": version, "purl": purl}
    return component | ({"group": group} if group else {})
