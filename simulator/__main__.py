"""``python -m simulator``: the simulated backend in a terminal."""

import argparse
import asyncio
import signal
import sys
from dataclasses import fields

from simulator.accounts import DEAD_KEYS
from simulator.knobs import DEMO_KNOBS, Knobs, UnknownKnob, describe_knobs
from simulator.refusals import REFUSALS
from simulator.server import Simulator


def arguments() -> argparse.ArgumentParser:
    """The command line: where to listen, dead keys, and each knob as an option."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="A simulated ChatGPT-web backend. Knobs set here are defaults; a prompt changes them for "
        "itself with [[sim name=value ...]].",
        epilog=describe_knobs(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--prefix", default="", help="path before /backend-api")
    parser.add_argument(
        "--dead-key", action="append", default=[], metavar="START=ERROR", help="refuse keys that start so"
    )
    knobs = parser.add_argument_group("knobs", "see the table below; the pace is 40 unless given")
    for knob in fields(Knobs):
        knobs.add_argument(f"--{knob.name.replace('_', '-')}", dest=f"knob_{knob.name}", metavar="VALUE")
    return parser


def build(options: argparse.Namespace) -> Simulator:
    """The simulator that a command line describes. Raises ValueError."""
    given = {name[5:]: value for name, value in vars(options).items() if name.startswith("knob_")}
    dead_keys = dict(DEAD_KEYS)
    for entry in options.dead_key:
        beginning, _, error = entry.partition("=")
        if error not in REFUSALS:
            raise ValueError(f"--dead-key {entry}: the error must be one of {', '.join(REFUSALS)}")
        dead_keys[beginning] = error
    knobs = DEMO_KNOBS.set({name: value for name, value in given.items() if value is not None})
    return Simulator(options.prefix, knobs, dead_keys=dead_keys)


async def serve(simulator: Simulator, host: str, port: int) -> None:
    """Run until SIGINT or SIGTERM."""
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await simulator.start(port, host)
    print(f"simulated backend on {simulator.url}", flush=True)
    await over.wait()
    await simulator.stop()


def main() -> None:
    """Entry point."""
    parser = arguments()
    options = parser.parse_args()
    try:
        simulator = build(options)
    except (UnknownKnob, ValueError) as problem:
        parser.error(str(problem))
    try:
        asyncio.run(serve(simulator, options.host, options.port))
    except OSError as problem:
        sys.exit(f"can not listen on {options.host}:{options.port}: {problem.strerror}")


if __name__ == "__main__":
    main()
