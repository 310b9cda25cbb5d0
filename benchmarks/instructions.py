"""Instructions that the translation of one delta takes, which no other work on the machine changes.

    python -m benchmarks.instructions          about a minute and a half; needs valgrind

Runs this Python under callgrind, with translation and without, and divides the difference by the deltas. The
kernel's part of a delta, reads and writes of sockets, is not in it: for that see `benchmarks.profile`.
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.backend_stream import (
    ReplySpec,
    chat_request,
    delta_records,
    echo_records,
    reply_records,
    reply_text,
)
from benchmarks.processes import ROOT
from benchmarks.translation import Translation, WrongTranslation

TOKENS = 1000
PASSES = 4
PIECE = 64 * 1024
NOTHING = "nothing"
"""A run that translates nothing."""
COLLECTED = re.compile(r"Collected : (\d+)")
CASES = {
    "snapshots, record by record": (reply_records, 0, False),
    "snapshots, pieces of 64 KiB": (reply_records, PIECE, False),
    "delta v1, record by record": (delta_records, 0, False),
    "delta v1, pieces of 64 KiB": (delta_records, PIECE, False),
    "the same, tools offered": (delta_records, PIECE, True),
    "record by record, tools offered": (delta_records, 0, True),
}
"""By name: what makes the records, the bytes of a piece (0 for one record each), and if there are tools."""


def main() -> int:
    """Print the table, or be one of the measured runs; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument("--run", choices=(*CASES, NOTHING), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        _run(arguments.run)
        return 0
    if shutil.which("valgrind") is None:
        print("valgrind is not installed.", file=sys.stderr)
        return 2
    _instructions(NOTHING)  # Python compiles modules that are new
    start = _instructions(NOTHING)
    print(f"instructions per delta, {TOKENS} tokens, style py")
    for case in CASES:
        print(f"{case:<32} {(_instructions(case) - start) / PASSES / TOKENS:>8.0f}", flush=True)
    return 0


def _run(case: str) -> None:
    """Prepare all cases and translate one of them, so that all runs differ in that alone."""
    prepared = {name: list(_pieces(name)) for name in CASES}
    for _ in range(PASSES if case in prepared else 0):
        translation = Translation(tools=CASES[case][2])
        for piece in prepared[case]:
            translation.feed(piece)
        if translation.text() != reply_text(TOKENS):
            raise WrongTranslation("the text differs")


def _pieces(case: str) -> Iterator[bytes]:
    make_records, size, _ = CASES[case]
    messages = chat_request(ReplySpec(TOKENS), stream=True)["messages"]
    records = [*echo_records(messages, "py"), *make_records(TOKENS, "py")]
    if not size:
        yield from records
        return
    body = b"".join(records)
    for start in range(0, len(body), size):
        yield body[start : start + size]


def _instructions(case: str) -> int:
    """Of a whole run of Python. Raises CalledProcessError if the translation went wrong."""
    done = subprocess.run(
        [
            *("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"),
            *(sys.executable, "-m", "benchmarks.instructions", "--run", case),
        ],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "0"},
        check=True,
        capture_output=True,
        text=True,
    )
    found = COLLECTED.search(done.stderr)
    if found is None:
        raise WrongTranslation(f"callgrind gives no count: {done.stderr[-400:]}")
    return int(found[1])


if __name__ == "__main__":
    raise SystemExit(main())
