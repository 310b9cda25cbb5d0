"""The file that lists the GPTs on offer: its content."""

from collections.abc import Collection, Sequence
from pathlib import Path

from translate.values import MAX_GPTS_FILE_BYTES, Gpt, GptsError, read_gpts


def load_gpts(path: Path, taken: Collection[str], otherwise: Sequence[Gpt] = ()) -> Sequence[Gpt]:
    """Return the GPTs listed in the file; `otherwise` if it lists none or is not there.

    Names in `taken` already mean something else and are refused. Blocks.

    Raises:
        GptsError: the file cannot be read, or is not such a list; the text says what is wrong in one line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_GPTS_FILE_BYTES + 1)
    except FileNotFoundError:
        return otherwise
    except OSError as error:
        raise GptsError(f"it cannot be read: {error.strerror or error}") from None
    return read_gpts(content, taken) or otherwise
