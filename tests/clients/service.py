"""What the clients are driven against: the service as anybody starts it, over a backend of today."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.processes import service_over_simulator


@contextmanager
def service() -> Iterator[str]:
    """Its address, without a path."""
    with service_over_simulator(knobs=["--age", "2026"]) as pair:
        yield pair.url.removesuffix("/v1")
