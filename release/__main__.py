"""Build a release: `python -m release [FOLDER]`, which is `dist` unless it is named.

That folder then has the wheel, the source archive, the context of the image, the bill of materials, and
`SHA256SUMS` of these four.
"""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from release.context import image_context
from release.materials import bill_of_materials
from server import VERSION

ROOT = Path(__file__).parents[1]
NAME = "pandora_to_v1"


def build(folder: Path) -> list[Path]:
    """Build everything into `folder`, which is made; gives the files. Raises CalledProcessError."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder.resolve())], cwd=ROOT, check=True
    )
    context, materials = folder / f"{NAME}-{VERSION}-image.tar.gz", folder / f"{NAME}-{VERSION}.cdx.json"
    context.write_bytes(image_context(ROOT, f"{NAME}-{VERSION}"))
    materials.write_bytes(bill_of_materials(ROOT, VERSION))
    wheel, archive = folder / f"{NAME}-{VERSION}-py3-none-any.whl", folder / f"{NAME}-{VERSION}.tar.gz"
    files = sorted([wheel, archive, context, materials])
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(f"{sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files))
    return [*files, sums]


if __name__ == "__main__":
    for path in build(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")):
        print(path)
