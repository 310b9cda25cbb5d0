"""Has NextChat installed from the registry that npm uses: `unlock.py FOLDER REGISTRY`.

Its lock file names several mirrors, which are not everywhere, and for spoken chats a package from a release
page, which is in no registry. An empty module stands in its place; everything else is as it comes, and still
held to the checksums of the lock file.
"""

import json
import re
import sys
from pathlib import Path

VOICE = "rt-client"
TYPES = ("Modality", "RTInputAudioItem", "RTResponse", "TurnDetection", "Voice")


def unlock(folder: Path, registry: str) -> None:
    """Change `package.json` and `yarn.lock` in the folder."""
    lock = folder / "yarn.lock"
    blocks = lock.read_text(encoding="utf-8").split("\n\n")
    kept = "\n\n".join(block for block in blocks if not block.lstrip("\n").startswith(f'"{VOICE}@'))
    mirrors = re.compile(r'(resolved ")https://(?:[^/"]+/repository/npm|[^/"]+)/(?=[^"]*/-/)')
    lock.write_text(mirrors.sub(rf"\1{registry.rstrip('/')}/", kept), encoding="utf-8")
    package = folder / "package.json"
    wanted = json.loads(package.read_text(encoding="utf-8"))
    wanted["dependencies"][VOICE] = f"file:./{VOICE}"
    package.write_text(json.dumps(wanted, indent=2), encoding="utf-8")
    module = folder / VOICE
    module.mkdir()
    facts = {"name": VOICE, "version": "0.0.0", "main": "index.js", "types": "index.d.ts"}
    (module / "package.json").write_text(json.dumps(facts), encoding="utf-8")
    (module / "index.js").write_text("export class RTClient {}\n", encoding="utf-8")
    types = "".join(f"export type {name} = any;\n" for name in TYPES)
    client = "export class RTClient { constructor(...given: any[]); [name: string]: any; }\n"
    (module / "index.d.ts").write_text(types + client, encoding="utf-8")


if __name__ == "__main__":
    unlock(Path(sys.argv[1]), sys.argv[2])
