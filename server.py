"""The service: from settings to a listening server; signals and shutdown.

- `python server.py`: serve with the backend at BASE_URL
- `python server.py --demo`: serve with the built-in simulator as the backend
- `python server.py usage`: print what was spent
- `python server.py ledger backup|restore|check`: back up what was spent, bring it back, check it
- `python server.py explain FILE`: print what is made of a recorded turn
- `python server.py keys add|list|revoke`: make, list, revoke keys of this service
- `python server.py --help`: list options and settings
- `python server.py --version`: print the version
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from front import (
    ConnectionTimes,
    FrontDoor,
    Listeners,
    NotListening,
    TooFewDescriptors,
    connection_limit,
    raise_descriptor_limit,
)
from handlers import make_app, make_metrics_app
from ledger import (
    DAY,
    About,
    BackupFailed,
    KeyNames,
    LedgerBackups,
    LedgerRefused,
    StoreError,
    row_as_json,
    usage_table,
)
from logs import configure_logs
from recordings import NotARecording, RecordedTurn, explain
from roster import NotChanged, RosterError, RosterFile, add_key, keys_as_json, keys_table, revoke_key
from runtime import READY, STOPPING, Signals, give_back_large_blocks, new_event_loop, tell_systemd
from settings import Settings, SettingsError
from translate.values import STYLES, Gpt
from transport import new_serving_loop
from wiring import Service, build, ledger_backups, ledger_store, limits_of, roster_file

if TYPE_CHECKING:
    from simulator import Simulator

log = logging.getLogger("pandora")

VERSION = "0.1.0"
"""Owned here. pyproject.toml, the image and the compose files repeat the version; a test compares them."""
DEMO_KEY = "fk-demo"
MAX_SCRAPERS = 16
"""Connections to the port of the metrics."""
KEY_FIELDS = (
    "accounts", "groups", "models", "quota_per_day", "gpt4_messages", "expires", "style", "note",
)  # fmt: skip
"""What may be said of a new key: options, and fields of its entry."""
HURRY_SECONDS = 4.0
"""How long open answers may still take to be ended and recorded after a second signal."""
REFUSED = 0
"""The reason for the end that is no signal: the ledger is not for this version of the service."""
YOUNG_OBJECTS = 5000
"""How many may come before they are looked over for garbage, which takes less than a millisecond. Requests
leave none; with Python's 700 the objects of those under way would be looked over again and again."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running service. Once `hurried` is set, `stop` waits for no answer any more."""

    service: Service
    http: FrontDoor
    metrics: FrontDoor | None
    """What serves the metrics alone, where METRICS_PORT is set."""
    hurried: asyncio.Event

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.http.port

    async def stop(self) -> None:
        """Accept no more connections, answer what was asked, close. The metrics can be read until then."""
        running = self.service.running
        running.announce_end()
        await self.http.stop_listening()
        await self.http.wait_until_answered(self.service.settings.drain_timeout, self.hurried)
        await running.drain(0)
        await self.http.close()
        await running.wait_idle()
        if self.metrics is not None:
            await self.metrics.stop_listening()
            await self.metrics.close()
        await self.service.close()


def serve(
    service: Service, *, max_connections: int | None = None, times: ConnectionTimes | None = None
) -> Server:
    """Listen, and start what runs in the background.

    At most `max_connections` connections are open, by default as many as the settings allow.

    Raises:
        NotListening: the address is taken, or is none.
    """
    settings = service.settings
    listeners = Listeners.open(
        settings.host, settings.port, reuse_port=settings.reuse_port, environ=os.environ
    )
    limit = settings.max_connections if max_connections is None else max_connections
    metrics = _serve_metrics(service)
    http = FrontDoor(make_app(service.app), listeners, service.metrics, limit, times)
    service.start()
    return Server(service, http, metrics, asyncio.Event())


def _serve_metrics(service: Service) -> FrontDoor | None:
    settings = service.settings
    if settings.metrics_port is None:
        return None
    listeners = Listeners.open(
        settings.host,
        settings.metrics_port,
        reuse_port=settings.reuse_port,
        environ={},
        named="HOST or METRICS_PORT",
    )
    return FrontDoor(make_metrics_app(service.app), listeners, service.metrics, MAX_SCRAPERS)


async def main(settings: Settings, demo: bool) -> int:
    """Serve until SIGTERM or SIGINT, then give the exit code: 0, or 128 and the number of a second signal.

    Raises SettingsError.
    """
    with Signals() as signals:
        return await _serve_until_ended(settings, demo, signals)


async def _serve_until_ended(settings: Settings, demo: bool, signals: Signals) -> int:
    ends: asyncio.Queue[int] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signals.on(number, partial(ends.put_nowait, number))
    simulator = None
    gpts: tuple[Gpt, ...] = ()
    if demo:
        simulator, gpts = await _start_simulator(settings)
        settings = replace(settings, base_url=simulator.url, key_for_gpts_info=DEMO_KEY)
        if settings.passthrough is None:
            settings = replace(settings, passthrough=True)  # the console shows the simulator's key
    service = build(settings, VERSION, simulated=demo, demo_gpts=gpts)
    ledger = service.charges.ledger
    try:
        await ledger.refuse_newer()
    except LedgerRefused as refused:
        raise SettingsError(f"{refused}.") from None
    server = _listen(service)
    watching = asyncio.create_task(ledger.wait_until_refused())
    watching.add_done_callback(lambda _: ends.put_nowait(REFUSED))
    gc.collect()
    gc.set_threshold(YOUNG_OBJECTS)
    gc.freeze()  # what is there for good; to look at it again and again would be a pause for all
    signals.on(signal.SIGHUP, server.service.reload)
    _announce(server, demo)
    _tell_systemd(READY)
    end = await ends.get()
    _tell_systemd(STOPPING)
    log.info("stopping: %d answers in flight", len(server.service.running))
    code = await _stop(server, ends)
    watching.cancel()
    if simulator is not None:
        await simulator.stop()
    log.info("stopped")
    return code or (2 if end == REFUSED else 0)


async def _stop(server: Server, ends: asyncio.Queue[int]) -> int:
    """Stop the server, at once if another signal comes; give the exit code."""
    stopping = asyncio.create_task(server.stop())
    another = asyncio.create_task(ends.get())
    await asyncio.wait({stopping, another}, return_when=asyncio.FIRST_COMPLETED)
    if not another.done():
        another.cancel()
        await stopping
        return 0
    log.warning("second signal: %d answers are ended", len(server.service.running))
    server.hurried.set()
    await asyncio.wait({stopping}, timeout=HURRY_SECONDS)
    stopping.cancel()
    return 128 + another.result()


def _listen(service: Service) -> Server:
    settings = service.settings
    try:
        limit = connection_limit(
            raise_descriptor_limit(),
            max_connections=settings.max_connections,
            max_concurrent=settings.max_concurrent,
        )
        return serve(service, max_connections=limit)
    except (NotListening, TooFewDescriptors) as error:
        raise SettingsError(str(error)) from None


async def _start_simulator(settings: Settings) -> tuple["Simulator", tuple[Gpt, ...]]:
    """The simulated backend, and its GPTs."""
    from simulator import DEMO_KNOBS, GIZMOS, Simulator  # the only place that knows it

    simulator = Simulator(prefix=settings.proxy_api_prefix, knobs=DEMO_KNOBS)
    await simulator.start()
    return simulator, tuple(Gpt(gizmo.slug, gizmo.id) for gizmo in GIZMOS)


def _tell_systemd(state: str) -> None:
    try:
        tell_systemd(state, os.environ)
    except OSError as error:
        log.warning("systemd cannot be told %s: %s", state, error.strerror or error)


def _announce(server: Server, demo: bool) -> None:
    settings = server.service.settings
    base = server.http.address
    log.info("settings: %s", " ".join(f"{name}={value}" for name, value in settings.summary().items()))
    log.info("listening on %s", base)
    if (path := server.service.app.admin.kept_in) is not None:
        log.info("the admin token is in %s", path)
    if server.metrics is not None:
        log.info("metrics are on %s/metrics", server.metrics.address)
    if not demo:
        return
    v1 = base + (f"/{settings.api_prefix}" if settings.api_prefix else "") + "/v1"
    sys.stdout.write(
        "\nDEMO: no backend is used. All answers come from the built-in simulator and are made up.\n"
        f"Console: {base}/\n"
        "Try it:\n\n"
        f"curl -N {v1}/chat/completions -H 'Authorization: Bearer {DEMO_KEY}' "
        "-H 'Content-Type: application/json' "
        '-d \'{"model": "gpt-4-s", "stream": true, '
        '"messages": [{"role": "user", "content": "Hello! What can you do?"}]}\'\n\n'
    )
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="server.py",
        description="An OpenAI-compatible API over a ChatGPT-web backend.",
        epilog="Settings (environment variables):\n" + Settings.help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"pandora-to-v1 {VERSION}", help="print the version, and exit"
    )
    parser.add_argument("--demo", action="store_true", help="use the built-in simulator as the backend")
    parser.set_defaults(command="serve")
    commands = parser.add_subparsers(title="commands", metavar="[usage | ledger | explain | keys]")
    usage = commands.add_parser("usage", help="print what was spent by day, model and key, and exit")
    usage.set_defaults(command="usage")
    usage.add_argument("--days", type=int, default=30, help="number of days including today (default: 30)")
    usage.add_argument("--json", action="store_true", help="print JSON: a list with one object per row")
    _add_ledger_commands(
        commands.add_parser("ledger", help="back up the ledger, bring a backup back or check it, and exit")
    )
    recorded = commands.add_parser("explain", help="print what is made of a recorded turn, and exit")
    recorded.set_defaults(command="explain")
    recorded.add_argument("file", type=Path, help="a file of STATE_DIR/recordings")
    _add_key_commands(commands.add_parser("keys", help="make, list or revoke keys of this service, and exit"))
    return parser.parse_args()


def _add_ledger_commands(ledger: argparse.ArgumentParser) -> None:
    actions = ledger.add_subparsers(title="commands", metavar="backup | restore | check", required=True)
    backup = actions.add_parser("backup", help="put the ledger and the secret into a file; services may run")
    backup.set_defaults(command="ledger backup")
    backup.add_argument("file", type=Path, help="is made, or replaced by the new one")
    restore = actions.add_parser("restore", help="bring a backup back; no service may run")
    restore.set_defaults(command="ledger restore")
    restore.add_argument("file", type=Path, help="a backup")
    restore.add_argument(
        "--overwrite", action="store_true", help="also if conversations are recorded that it has not"
    )
    check = actions.add_parser("check", help="say whether the ledger is whole, and the secret belongs to it")
    check.set_defaults(command="ledger check")


def _add_key_commands(keys: argparse.ArgumentParser) -> None:
    actions = keys.add_subparsers(title="commands", metavar="add | list | revoke", required=True)
    add = actions.add_parser("add", help="make a key, and print it: it is not shown again")
    add.set_defaults(command="keys add")
    add.add_argument("alias", help="its name in the usage and the log")
    for option, what in (("accounts", "accounts"), ("groups", "groups of accounts"), ("models", "models")):
        add.add_argument(f"--{option}", type=_names, help=f"{what} that it may use, separated by commas")
    add.add_argument("--quota-per-day", type=int, metavar="UNITS", help="units that it may spend in a day")
    add.add_argument("--gpt4-messages", type=int, metavar="N", help="GPT-4 messages in a GPT4_WINDOW")
    add.add_argument("--expires", metavar="DATE", help="last day, as 2027-01-31, or a time, in UTC")
    add.add_argument("--style", choices=STYLES, help="how answers look")
    add.add_argument("--note", metavar="TEXT", help="what the operator wants to know of it")
    listed = actions.add_parser("list", help="print all keys, without the keys themselves")
    listed.set_defaults(command="keys list")
    listed.add_argument("--json", action="store_true", help="print JSON: a list with one object per key")
    revoke = actions.add_parser("revoke", help="remove a key, which is refused from then on")
    revoke.set_defaults(command="keys revoke")
    revoke.add_argument("alias", help="its name")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


async def print_usage(settings: Settings, *, days: int, as_json: bool, simulated: bool) -> int:
    """Print what was spent in the last `days`, by day, model and key. Gives the exit code.

    Raises:
        SettingsError: the ledger cannot be read.
    """
    limits = limits_of(settings)
    store = ledger_store(settings, limits, KeyNames(b"", {}), simulated=simulated)
    tomorrow = limits.reset_at(time.time())
    try:
        await store.refuse_newer()
        rows = await store.usage(tomorrow - days * DAY, tomorrow, DAY, None)
    except StoreError as error:
        raise SettingsError(f"the ledger cannot be read: {error}.") from None
    finally:
        await store.close()
    text = json.dumps([row_as_json(row) for row in rows], indent=2) + "\n" if as_json else usage_table(rows)
    sys.stdout.write(text)
    return 0


def run_key_command(arguments: argparse.Namespace, file: RosterFile) -> int:
    """Make, list or revoke keys. Gives the exit code: 1 if there is no such key.

    Raises:
        SettingsError: the file of the keys cannot be used, or not with the new key.
    """
    try:
        if arguments.command == "keys list":
            roster, now = file.load().roster, time.time()
            rows = keys_as_json(roster, now)
            sys.stdout.write(json.dumps(rows, indent=2) + "\n" if arguments.json else keys_table(roster, now))
        elif arguments.command == "keys revoke":
            if not revoke_key(file, arguments.alias):
                sys.stderr.write(f"server.py: there is no key of the name {arguments.alias}.\n")
                return 1
        else:
            fields = {name: told for name in KEY_FIELDS if (told := getattr(arguments, name)) is not None}
            sys.stdout.write(add_key(file, arguments.alias, fields) + "\n")
    except NotChanged as error:
        raise SettingsError(f"{file.path} stays as it was: {error}.") from None
    except RosterError as error:
        raise SettingsError(f"{file.path} is not usable: {error}.") from None
    return 0


async def run_ledger_command(arguments: argparse.Namespace, backups: LedgerBackups) -> int:
    """Back up the ledger, bring a backup back, or check it. Gives the exit code: 1 if something is wrong.

    Raises:
        SettingsError: it cannot be done.
    """
    try:
        if arguments.command == "ledger backup":
            sys.stdout.write(_told(await backups.back_up(arguments.file)))
        elif arguments.command == "ledger restore":
            sys.stdout.write(_told(await backups.restore(arguments.file, overwrite=arguments.overwrite)))
        else:
            checked = await backups.check()
            sys.stdout.writelines(f"{finding}\n" for finding in checked.findings)
            sys.stdout.writelines(f"WRONG: {problem}\n" for problem in checked.problems)
            return 1 if checked.problems else 0
    except (BackupFailed, StoreError) as error:
        raise SettingsError(f"{error}.") from None
    return 0


def _told(about: About) -> str:
    made = datetime.fromtimestamp(about.at, UTC).isoformat(timespec="seconds")
    return f"{about.conversations} conversations, as of {made}\n"


def print_explanation(file: Path) -> int:
    """Print what is made of the turn that is recorded in `file`. Gives the exit code.

    Raises:
        SettingsError: it cannot be read, or is no recording.
    """
    try:
        turn = RecordedTurn.from_file(file.read_bytes())
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror or error}.") from None
    except NotARecording as problem:
        raise SettingsError(f"{file} is not usable: {problem}.") from None
    for line in explain(turn):
        sys.stdout.buffer.write(f"{line}\n".encode(errors="backslashreplace"))
    return 0


def _configure_logs(settings: Settings) -> None:
    try:
        configure_logs(level=settings.log_level, form=settings.log_format, file=settings.log_file)
    except OSError as error:
        raise SettingsError(f"LOG_FILE cannot be written: {error.strerror or error}.") from None


def run() -> int:
    """Run the command line and give the exit code: 2, with one line on stderr, for an unusable setting."""
    arguments = _arguments()
    demo = arguments.demo
    try:
        if arguments.command == "explain":
            return print_explanation(arguments.file)
        settings = Settings.from_env(os.environ)
        if arguments.command.startswith("keys "):
            return run_key_command(arguments, roster_file(settings, simulated=demo))
        if arguments.command.startswith("ledger "):
            return asyncio.run(run_ledger_command(arguments, ledger_backups(settings, simulated=demo)))
        if arguments.command == "usage":
            return asyncio.run(
                print_usage(settings, days=arguments.days, as_json=arguments.json, simulated=demo)
            )
        if demo and settings.base_url:
            raise SettingsError("--demo and BASE_URL exclude each other: remove one of them.")
        if not demo and not settings.base_url:
            raise SettingsError(
                "BASE_URL is not set: give the address of your backend, or try --demo for a simulated one."
            )
        _configure_logs(settings)
        give_back_large_blocks()
        with asyncio.Runner(loop_factory=partial(new_event_loop, new_serving_loop)) as runner:
            return runner.run(main(settings, demo))
    except SettingsError as error:
        sys.stderr.write(f"server.py: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(run())
