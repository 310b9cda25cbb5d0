"""Copies what the console takes from others out of the packages of npm, as it was published.

`python -m tests.service.console.vendor` fetches the versions that `console/vendor/package.json` names, into a
folder that it deletes, and writes `console/vendor` anew. For a newer version: change the number there, run
`npm install --package-lock-only --omit-lockfile-registry-resolved` in `console/vendor`, then this.
"""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

VENDOR: Final = Path(__file__).parents[3] / "console" / "vendor"
PINS: Final = ("package.json", "package-lock.json")
SUMS: Final = "SHA256SUMS"
FILES: Final = {
    "highlight/highlight.min.js": "@highlightjs/cdn-assets/es/highlight.min.js",
    "highlight/LICENSE": "@highlightjs/cdn-assets/LICENSE",
    "katex/katex.min.js": "katex/dist/katex.min.js",
    "katex/katex.min.css": "katex/dist/katex.min.css",
    "katex/LICENSE": "katex/LICENSE",
    "markdown-it/markdown-it.esm.min.mjs": "markdown-it/dist/browser/markdown-it.esm.min.mjs",
    "markdown-it/LICENSE": "markdown-it/LICENSE",
    # These are inside the file of markdown-it.
    "markdown-it/LICENSE.entities": "entities/LICENSE",
    "markdown-it/LICENSE.linkify-it": "linkify-it/LICENSE",
    "markdown-it/LICENSE.mdurl": "mdurl/LICENSE",
    "markdown-it/LICENSE.punycode": "punycode.js/LICENSE-MIT.txt",
    "markdown-it/LICENSE.uc.micro": "uc.micro/LICENSE.txt",
}
"""Where each file goes, below `console/vendor`, and where it stands in `node_modules`; fonts come too."""


def sums(folder: Path) -> str:
    """The SHA-256 of each file that was copied, as `sha256sum` writes it."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in (*PINS, SUMS)]
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    return "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)


def copy(modules: Path) -> None:
    """Write `console/vendor` anew from a `node_modules`."""
    fonts = [path.name for path in (modules / "katex/dist/fonts").glob("*.woff2")]
    sources = FILES | {f"katex/fonts/{name}": f"katex/dist/fonts/{name}" for name in fonts}
    for folder in ("highlight", "katex", "markdown-it"):
        shutil.rmtree(VENDOR / folder, ignore_errors=True)
    for target, source in sources.items():
        (VENDOR / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(modules / source, VENDOR / target)
    (VENDOR / SUMS).write_text(sums(VENDOR))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name in PINS:
            shutil.copy(VENDOR / name, folder)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)
        copy(Path(folder) / "node_modules")
