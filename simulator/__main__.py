"""The simulated backend in a terminal: `python -m simulator`."""

import argparse
import asyncio
import signal
import sys
from dataclasses import fields
from pathlib import Path

from simulator.accounts import DEAD_KEYS
from simulator.knobs import DEMO_KNOBS, Knobs, describe_knobs
from simulator.refusals import REFUSALS
from simulator.replay import ReplayServer, replay_server
from simulator.server import Simulator


def command_line() -> argparse.ArgumentParser:
    """The options: where to listen, dead keys, and every knob."""
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
        "--dead-key",
        action="append",
        default=[],
        metavar="START=ERROR",
        help="refuse keys that start like this",
    )
    parser.add_argument(
        "--replay",
        type=Path,
        metavar="FILE",
        help="play a recording of the service's flight recorder, and nothing else",
    )
    knobs = parser.add_argument_group("knobs", "see the table below; the default of pace is 40 here")
    for knob in fields(Knobs):
        knobs.add_argument(f"--{knob.name.replace('_', '-')}", dest=f"knob_{knob.name}", metavar="VALUE")
    return parser


def build(options: argparse.Namespace) -> Simulator:
    """The simulator that the options describe. Raises ValueError, InvalidKnob among it."""
    given = {name[5:]: value for name, value in vars(options).items() if name.startswith("knob_")}
    dead_keys = dict(DEAD_KEYS)
    for entry in options.dead_key:
        beginning, _, error = entry.partition("=")
        if error not in REFUSALS:
            raise ValueError(f"--dead-key {entry}: the error must be one of {', '.join(REFUSALS)}")
        dead_keys[beginning] = error
    knobs = DEMO_KNOBS.set({name: value for name, value in given.items() if value is not None})
    return Simulator(options.prefix, knobs, dead_keys=dead_keys)


async def serve(simulator: Simulator | ReplayServer, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM. Raises OSError if the port cannot be used."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await simulator.start(port, host)
    print(f"simulated backend on {simulator.url}", flush=True)
    if isinstance(simulator, ReplayServer) and simulator.note:
        print(simulator.note, flush=True)
    await stopped.wait()
    await simulator.stop()


def main() -> None:
    """Parse the command line and serve."""
    parser = command_line()
    options = parser.parse_args()
    try:
        simulator = replay_server(options.replay, options.prefix) if options.replay else build(options)
    except ValueError as problem:
        parser.error(str(problem))
    except OSError as problem:
        parser.error(f"--replay: {problem.strerror}")
    try:
        asyncio.run(serve(simulator, options.host, options.port))
    except OSError as problem:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {problem.strerror}")


if __name__ == "__main__":
    main()
