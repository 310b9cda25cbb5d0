"""Samples of py-spy as tables."""

from benchmarks.processes import ROOT
from benchmarks.profile import Profile, counted, report, room_of

MAIN, OTHER = 'thread (0x1): "MainThread"', 'thread (0x2): "keeper"'


def test_files_are_told_by_room_or_library() -> None:
    assert room_of(f"{ROOT}/translate/backend/fast_path.py") == "translate.backend"
    assert room_of(f"{ROOT}/server.py") == "server"
    assert room_of(f"{ROOT}/.venv/lib/python3.11/site-packages/tornado/platform/asyncio.py") == "tornado"
    assert room_of("/usr/lib/python3.11/asyncio/events.py") == "asyncio"
    assert room_of("/usr/lib/python3.11/socket.py") == "socket"


def test_what_ran_last_on_the_main_thread_is_counted() -> None:
    loop = "run (/usr/lib/python3.11/asyncio/runners.py:118)"
    feed = f"ChunkedDecoder.feed ({ROOT}/transport/chunked.py"
    samples = f"{MAIN};{loop} 3\n{MAIN};{loop};{feed}:40) 4\n{MAIN};{loop};{feed}:41) 1\n{OTHER};{loop} 9\n"
    seen = counted(samples)
    assert seen == {("asyncio", "run"): 3, ("transport", "ChunkedDecoder.feed"): 5}


def test_shares_are_also_microseconds_of_a_delta() -> None:
    seen = counted(
        f"{MAIN};read ({ROOT}/transport/channel.py:1) 1\n{MAIN};emit ({ROOT}/turns/relay.py:1) 3\n"
    )
    lines = list(report(Profile("paced", 40.0, 7.0, seen)))
    assert lines[0] == "paced: 40.0 us of CPU per delta, core lost 7 %, 4 samples"
    assert lines[2].split() == ["75.0%", "30.00", "turns"]
    assert lines[-2].split() == ["25.0%", "10.00", "transport:", "read"]
