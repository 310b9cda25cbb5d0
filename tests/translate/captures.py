"""Where real captures are: in the folder that UPSTREAM_CAPTURES names, or in one beside the checkout."""

import os
from pathlib import Path

_BESIDE = Path(__file__).parent.parent.parent.parent / "shared" / "captures"

FOLDER = os.environ.get("UPSTREAM_CAPTURES") or (str(_BESIDE) if _BESIDE.is_dir() else None)
