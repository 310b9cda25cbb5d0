"""What somebody meant who misspelt a name."""

from collections.abc import Collection
from difflib import get_close_matches


def nearest(name: str, names: Collection[str], likeness: float = 0.6) -> str:
    """The one of the upper-case `names` that is most like `name`, in any case; empty if none is.

    `likeness` is at least how much, of 1.
    """
    return next(iter(get_close_matches(name[:80].upper(), names, n=1, cutoff=likeness)), "")
