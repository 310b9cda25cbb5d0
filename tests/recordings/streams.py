"""All streams that the tests have: of each kind of turn, each dialect and each year."""

from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
FOLDERS = ("golden/upstream", "fixtures/upstream", "fixtures/cases")


def stream_files() -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((TESTS / folder).glob("*.sse"))]


def stream_of(path: Path) -> bytes:
    """The stream in a file, without the comments of whoever wrote it there."""
    stream = path.read_bytes()
    while stream.startswith(b": sent"):
        stream = stream.partition(b"\n\n")[2]
    return stream
