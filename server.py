"""The service: from settings to a listening server; signals and shutdown. Other commands are in `commands`.

- `python server.py`: serve with the backend at BASE_URL
- `python server.py --demo`: serve with the built-in simulator as the backend
- `python server.py --check`: look whether it could start and reach the backend
- `python server.py usage`: print what was spent
- `python server.py ledger backup|restore|check`: back up what was spent, bring it back, check it
- `python server.py explain FILE`: print what is made of a recorded turn
- `python server.py keys add|list|revoke`: make, list, revoke keys of this service
- `python server.py import-config CONFIG [GPTS]`: print settings of PandoraToV1Api as settings of this service
- `python server.py --help`: list options and settings
- `python server.py --version`: print the version
"""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

try:
    from commands import read_command_line
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
    from ledger import Ledger, LedgerRefused
    from logs import configure_logs
    from runtime import (
        PROGRAM,
        READY,
        STOPPING,
        Signals,
        give_back_large_blocks,
        new_event_loop,
        tell_systemd,
    )
    from settings import Settings, SettingsError
    from translate.values import Gpt
    from transport import new_serving_loop
    from wiring import Service, build
except (ImportError, SyntaxError) as error:  # of packages that are missing, or of an older Python
    if __name__ != "__main__":
        raise
    sys.stderr.write(
        f"server.py: it cannot run with {sys.executable} ({error}). Start it with "
        ".venv/bin/python server.py; 'make run' makes .venv, for which it needs Python 3.11 or newer.\n"
    )
    sys.exit(2)

if TYPE_CHECKING:
    from simulator import Simulator

__all__ = ["VERSION", "Server", "main", "run", "serve"]

log = logging.getLogger("pandora")

VERSION = "1.0.0"
"""Owned here; the package reads it. The image and the compose files repeat it; a test compares them."""
DEMO_KEY = "fk-demo"
MAX_SCRAPERS = 16
"""Connections to the port of the metrics."""
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
        running, activity = self.service.running, self.service.app.common.activity
        running.announce_end()
        activity.end()  # else who watches would be waited for
        await self.http.stop_listening()
        await self.http.wait_until_answered(self.service.settings.drain_timeout, self.hurried)
        await running.drain(0)
        await self.http.close()
        await running.wait_idle()
        await activity.wait_until_left()
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
    given = settings
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
    watching = asyncio.create_task(_end_when_refused(ledger, ends))
    gc.collect()
    gc.set_threshold(YOUNG_OBJECTS)
    gc.freeze()  # what is there for good; to look at it again and again would be a pause for all
    signals.on(signal.SIGHUP, server.service.reload)
    _announce(server, given)
    if demo:
        _announce_demo(server)
    _tell_systemd(READY)
    end = await ends.get()
    _tell_systemd(STOPPING)
    log.info("stopping: %d answers in flight", len(server.service.running))
    watching.cancel()  # who stops already is not hurried by that
    code = await _stop(server, ends)
    if simulator is not None:
        await simulator.stop()
    log.info("stopped")
    return code or (2 if end == REFUSED else 0)


async def _end_when_refused(ledger: Ledger, ends: asyncio.Queue[int]) -> None:
    await ledger.wait_until_refused()
    ends.put_nowait(REFUSED)


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

    knobs = DEMO_KNOBS.set({"cap": 0})  # whoever tries the demo for an hour would take a cap for a fault
    simulator = Simulator(prefix=settings.proxy_api_prefix, knobs=knobs)
    await simulator.start()
    return simulator, tuple(Gpt(gizmo.slug, gizmo.id) for gizmo in GIZMOS)


def _tell_systemd(state: str) -> None:
    try:
        tell_systemd(state, os.environ)
    except OSError as error:
        log.warning("systemd cannot be told %s: %s", state, error.strerror or error)


def _announce(server: Server, given: Settings) -> None:
    """Say in a few lines what runs. `given` are the settings as they were read."""
    app, base = server.service.app, server.http.address
    changed = given.changed()
    log.info("settings: %s", _told(changed) if changed else "all as they are by default")
    log.debug("all settings: %s", _told(given.summary()))
    models = server.service.models.catalogue.models.values()
    gpts = sum(bool(model.gizmo_id) for model in models)
    log.info(
        "backend: %s; models: %d; GPTs: %d",
        "the built-in simulator" if app.simulated else app.upstream,
        len(models) - gpts,
        gpts,
    )
    log.info("listening on %s", base)
    if base.startswith("http"):  # a browser does not reach a Unix socket
        log.info("the console is at %s/", base)
    if (path := app.admin.kept_in) is not None:
        log.info("the admin token is in %s", path)
    if server.metrics is not None:
        log.info("metrics are on %s/metrics", server.metrics.address)


def _told(settings: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in settings.items())


def _announce_demo(server: Server) -> None:
    base, prefix = server.http.address, server.service.settings.api_prefix
    v1 = base + (f"/{prefix}" if prefix else "") + "/v1"
    sys.stdout.write(
        "\nDEMO: no backend is used. All answers come from the built-in simulator and are made up.\n"
        f"Console: {base}/\n"
        "Try it:\n\n"
        f"curl -N {v1}/chat/completions -H 'Authorization: Bearer {DEMO_KEY}' "
        "-H 'Content-Type: application/json' "
        '-d \'{"model": "gpt-4-s", "stream": true, '
        '"messages": [{"role": "user", "content": "Hello! What can you do?"}]}\'\n\n'
        "A real account takes 40 messages to GPT-4 in three hours, say; the simulator takes any number.\n"
        "With [[sim fault=model_cap_exceeded]] in a message it answers as an account that has none left.\n\n"
    )
    sys.stdout.flush()


def _configure_logs(settings: Settings) -> None:
    try:
        configure_logs(level=settings.log_level, form=settings.log_format, file=settings.log_file)
    except OSError as error:
        raise SettingsError(f"LOG_FILE cannot be written: {error.strerror or error}.") from None


def run() -> int:
    """Run the command line and give the exit code: 2, with one line on stderr, for an unusable setting."""
    arguments = read_command_line(VERSION)
    demo: bool = arguments.demo
    try:
        if arguments.run is not None:
            code: int = arguments.run(arguments, os.environ)
            return code
        settings = Settings.from_env(os.environ)
        _configure_logs(settings)
        for name, meant in Settings.misspelt(os.environ).items():
            log.warning("%s is no setting and has no effect: is %s meant?", name, meant)
        if demo and settings.base_url:
            raise SettingsError("--demo and BASE_URL exclude each other: remove one of them.")
        if not demo and not settings.base_url:
            raise SettingsError(
                "BASE_URL is not set: give the address of your backend, or try --demo for a simulated one."
            )
        give_back_large_blocks()
        with asyncio.Runner(loop_factory=partial(new_event_loop, new_serving_loop)) as runner:
            return runner.run(main(settings, demo))
    except SettingsError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(run())
