"""The backend as one far away is seen: behind TLS, with a delay on the way there and back.

    python -m benchmarks.far_backend --backend PORT --near PORT --far PORT --certificate FILE

Whoever connects to the far port gets TLS, and every flight of bytes, those of the handshake too, takes
ONE_WAY seconds; behind it the near port ends TLS and speaks to the backend. Each round trip that a target
needs before its first token thus costs 2 * ONE_WAY, which is easy to tell from its own work.
"""

import argparse
import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

ONE_WAY = 0.02
PIECE = 64 * 1024

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def possible() -> bool:
    """Whether this machine has what makes its certificate."""
    return shutil.which("openssl") is not None


def make_certificate(path: Path) -> None:
    """Write a certificate for 127.0.0.1 that vouches for itself, and its key beside it (`.key`).

    Raises OSError where there is no openssl, CalledProcessError if it fails.
    """
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(path.with_suffix(".key")), "-out", str(path)),
        ],
        check=True,
        capture_output=True,
    )


def tunnel(port: int, delay: float) -> Serve:
    """Pass all bytes to `port` of this machine and back, each piece `delay` seconds after it came."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pass(reader, onward_writer, delay), _pass(onward_reader, writer, delay))

    return serve


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Pass bytes in one direction until the end. All pieces are as late, so they keep their order."""
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while piece := await reader.read(PIECE):
            if delay:
                loop.call_later(delay, writer.write, piece)
            else:
                writer.write(piece)
    loop.call_later(delay, writer.close)


async def serve(arguments: argparse.Namespace) -> None:
    """Serve both ports until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.certificate, arguments.certificate.with_suffix(".key"))
    near = await asyncio.start_server(tunnel(arguments.backend, 0), "127.0.0.1", arguments.near, ssl=context)
    far = await asyncio.start_server(tunnel(arguments.near, ONE_WAY), "127.0.0.1", arguments.far)
    async with near, far:
        await asyncio.Event().wait()


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(description="the backend of the benchmark, far away")
    for name in ("backend", "near", "far"):
        parser.add_argument(f"--{name}", type=int, required=True, metavar="PORT")
    parser.add_argument("--certificate", type=Path, required=True, help="its key is beside it, as .key")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
