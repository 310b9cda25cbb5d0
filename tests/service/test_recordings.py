"""The flight recorder in the running service: what it keeps, what it does not, and what is made of it."""

import json
import re
from pathlib import Path

import pytest

from recordings import RecordedTurn, explain
from simulator import Knobs
from simulator.kind_names import KIND_NAMES, KIND_NAMES_2026
from simulator.replay import ReplayServer, read_recording
from tests.eventually import eventually
from tests.processes import running
from tests.service.deployment import KEY, PREFIX, Deployment, deployed

QUESTION = (
    "Repeat after me: canaryword at canary@canary.example, https://canary.example/canarypath, Canary Jones,"
    " 金丝雀"
)
"""All kinds of words that must not be left."""
LEFT = re.compile("canary|金|丝|雀", re.IGNORECASE)


def recordings_of(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "recordings").glob("*.jsonl"))]


async def ask(service: Deployment, marker: str) -> bytes:
    answer = await service.chat(f"{QUESTION} [[sim {marker} pace=0 tokens=80]]", stream=True)
    await service.settled()
    return answer.body


def ids_of(service: Deployment) -> set[str]:
    """Ids that were in streams and requests, and the caller's key."""
    posted = json.dumps([request.body for request in service.upstream.requests], default=str)
    return {*re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", posted), KEY}


@pytest.mark.parametrize("age", ["2023-05", "2023-12", "2024", "2025", "2026"])
async def test_nothing_of_a_conversation_is_left_in_any_kind_of_turn(
    age: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kinds = KIND_NAMES_2026 if age == "2026" else KIND_NAMES
    knobs = Knobs(age=age, busy=False, cap=0)
    async with deployed({"STATE_DIR": str(tmp_path), "RECORD": "all", "REASONING": "true"}, knobs) as service:
        answers = [await ask(service, f"kind={kind}") for kind in kinds]
        answers += [
            await ask(service, f"unknown=1 {more}") for more in ("", "fault=reset_mid", "transport=ws")
        ]
        ids = ids_of(service)
    kept = recordings_of(tmp_path)
    assert len(kept) > len(kinds) / 2
    assert sum(LEFT.search(answer.decode()) is not None for answer in answers) > 0, "the words did come"
    told = b"".join(kept).decode()
    assert LEFT.search(told) is None
    assert [secret for secret in ids if secret in told] == []
    for content in kept:
        list(explain(RecordedTurn.from_file(content)))
    caplog.clear()  # some kinds have pictures that cannot be fetched, which is logged


@pytest.mark.parametrize(
    ("mode", "reasons"),
    [
        ("off", []),
        ("unknown", ["unknown"]),
        ("failed", ["unknown", "failed"]),
        ("all", ["whole", "unknown", "failed"]),
    ],
)
async def test_setting_decides_which_turns_are_kept(mode: str, reasons: list[str], tmp_path: Path) -> None:
    async with deployed({"STATE_DIR": str(tmp_path), "RECORD": mode}) as service:
        for marker in ("", "unknown=1", "fault=reset_mid"):
            await ask(service, marker)
    assert sorted(RecordedTurn.from_file(content).reason for content in recordings_of(tmp_path)) == sorted(
        reasons
    )
    assert (tmp_path / "recordings").exists() == bool(reasons)


async def test_client_that_leaves_is_no_failure(tmp_path: Path) -> None:
    async with deployed({"STATE_DIR": str(tmp_path), "RECORD": "failed"}) as service:
        async with service.connect() as connection:
            await service.begin(connection, "Hello [[sim pace=20 tokens=500]]")
            await connection.read_until_content()
        await service.settled()
    assert recordings_of(tmp_path) == []


async def test_console_lists_the_files_for_the_administrator(tmp_path: Path) -> None:
    async with deployed({"STATE_DIR": str(tmp_path), "RECORD": "all"}) as service:
        await ask(service, "unknown=1")
        await eventually(lambda: len(recordings_of(tmp_path)) == 1)
        state = json.loads((await service.ask("GET", "/console/state", key="")).body)
    (listed,) = state["details"]["recordings"]
    (name,) = (path.name for path in (tmp_path / "recordings").glob("*"))
    assert listed == {"name": name, "reason": "unknown", "at": listed["at"], "size": listed["size"]}
    assert listed["size"] == len(recordings_of(tmp_path)[0])


@pytest.mark.parametrize(
    ("age", "marker", "streams"),
    [
        ("2023-05", "finish=max_tokens", ["", ""]),
        ("2025", "finish=max_tokens", ["", ""]),
        ("2026", "handoff=mid", ["", "fresh"]),
        ("2026", "handoff=start handoff_ways=sse", ["", "fresh"]),
    ],
)
async def test_recording_is_played_as_a_backend(
    age: str, marker: str, streams: list[str], tmp_path: Path
) -> None:
    knobs = Knobs(age=age, busy=False, cap=0)
    async with deployed({"STATE_DIR": str(tmp_path / "first"), "RECORD": "all"}, knobs) as service:
        whole = await service.chat(f"Tell me about tea [[sim tokens=80 {marker} pace=0]]")
    (content,) = recordings_of(tmp_path / "first")
    recorded = RecordedTurn.from_file(content)
    assert [stream.goes_on for stream in recorded.streams] == streams
    lines = list(explain(recorded))
    told = "\n".join(line.removeprefix("    ") for line in lines[lines.index("text:") + 1 :])
    player = ReplayServer(read_recording(content), PREFIX)
    await player.start()
    try:
        settings = {"BASE_URL": player.url, "STATE_DIR": str(tmp_path / "second")}
        async with deployed(settings) as service:
            again = await service.chat("Tell me about tea")
    finally:
        await player.stop()
    first, second = (answer.json["choices"][0] for answer in (whole, again))
    assert len(first["message"]["content"]) == len(second["message"]["content"]) > 100
    assert told == second["message"]["content"].rstrip("\n")
    assert first["finish_reason"] == second["finish_reason"]
    assert "tea" not in second["message"]["content"]


async def test_explain_prints_what_is_made_of_a_recording(tmp_path: Path) -> None:
    async with deployed({"STATE_DIR": str(tmp_path), "RECORD": "all"}) as service:
        await ask(service, "unknown=1")
    (path,) = (tmp_path / "recordings").glob("*")
    with running(["server.py", "explain", str(path)], {}) as command:
        assert command.exit_code() == 0
        assert "NOT UNDERSTOOD" in command.output
        assert "text:" in command.output
    for wrong in (tmp_path / "missing", tmp_path / "secret"):
        with running(["server.py", "explain", str(wrong)], {}) as command:
            assert command.exit_code() == 2
            assert wrong.name in command.output
