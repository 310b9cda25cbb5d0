"""Which turns are kept as files, and how much is kept of them, in memory and on the disk."""

import logging
import stat
from pathlib import Path

import pytest

from recordings import RecordedTurn, Recorder, Recording
from recordings.recorder import MAX_STREAMS, PIECE_COST, RecordingLimits, RecordMode, list_files
from tests.eventually import eventually
from translate.values import SentMessage, UpstreamFailed

SENT = [SentMessage("id-1", "user", "What is a canary?")]
FAILED = UpstreamFailed("It broke.")


def started(recorder: Recorder) -> Recording:
    recording = recorder.begin()
    assert recording is not None
    recording.begin(SENT)
    return recording


async def written(recording: Recording) -> None:
    await eventually(lambda: not recording.held)


def read(folder: Path) -> list[RecordedTurn]:
    return [RecordedTurn.from_file(path.read_bytes()) for path in sorted(folder.glob("*"))]


def sizes(recorded: RecordedTurn) -> list[int]:
    """Of pieces; of gaps, negative."""
    return [-piece.gap or len(piece.data) for piece in recorded.streams[0].pieces]


@pytest.mark.parametrize(
    ("mode", "kept"),
    [
        ("unknown", ["unknown", "unknown"]),
        ("failed", ["failed", "unknown", "unknown"]),
        ("all", ["failed", "unknown", "unknown", "whole"]),
    ],
)
async def test_mode_decides_what_is_kept(tmp_path: Path, mode: RecordMode, kept: list[str]) -> None:
    recorder = Recorder(tmp_path / "recordings", mode)
    for unknown in ({}, {"record": 1}):
        for error in (None, FAILED):
            recording = started(recorder)
            recording.take(b"data: x\n\n")
            recording.end(unknown, error)
    await recorder.close()
    assert sorted(turn.reason for turn in read(tmp_path / "recordings")) == kept


async def test_file_says_what_was_not_understood_and_how_the_turn_failed(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "recordings", "all")
    recording = started(recorder)
    recording.take(b"data: x\n\n")
    recording.end({"record": 2, "delta": 1}, FAILED)
    await recorder.close()
    (turn,) = read(tmp_path / "recordings")
    assert (turn.unknown, turn.error) == ({"record": 2, "delta": 1}, (FAILED.status, FAILED.code))


async def test_nothing_is_done_while_it_is_off(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "recordings", "off")
    assert recorder.begin() is None
    assert await recorder.files() == ()
    await recorder.close()
    assert not list_files(tmp_path / "recordings")


async def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    recorder = Recorder(folder, "all")
    recording = started(recorder)
    recording.take(b"data: canary\n\n")
    recording.end({}, FAILED)
    await recorder.close()
    (path,) = folder.glob("*")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert b"canary" not in path.read_bytes()
    assert read(folder)[0].error == (502, "upstream_error")


async def test_turn_without_a_stream_is_not_kept(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "recordings", "all")
    started(recorder).end({}, FAILED)
    await recorder.close()
    assert not list_files(tmp_path / "recordings")


async def test_beginning_and_end_of_a_long_stream_are_kept(tmp_path: Path) -> None:
    limits = RecordingLimits(head=3 * (10 + PIECE_COST), tail=2 * (10 + PIECE_COST))
    recorder = Recorder(tmp_path, "all", limits)
    recording = started(recorder)
    for _ in range(50):
        recording.take(b"data: abc\n")
        assert recording.held <= limits.head + limits.tail
    recording.end({}, None)
    await recorder.close()
    assert sizes(read(tmp_path)[0]) == [10, 10, 10, -450, 10, 10]


async def test_piece_that_is_too_large_is_a_gap(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "all", RecordingLimits(head=200, tail=200))
    recording = started(recorder)
    recording.take(b"data: 1\n")
    recording.take(b"x" * 5000)
    recording.take(b"data: 2\n")
    recording.end({}, None)
    await recorder.close()
    assert sizes(read(tmp_path)[0]) == [8, -5000, 8]


async def test_memory_of_all_turns_is_bounded_and_given_back(tmp_path: Path) -> None:
    limits = RecordingLimits(memory=2 * (10 + PIECE_COST))
    recorder = Recorder(tmp_path, "all", limits)
    first, second = started(recorder), started(recorder)
    for recording in (first, first, second):
        recording.take(b"data: abc\n")
    assert second.held == 0
    first.end({}, None)
    second.end({}, None)
    await eventually(lambda: not first.held)
    third = started(recorder)
    third.take(b"data: abc\n")
    assert third.held > 0
    third.end({}, None)
    await recorder.close()
    assert sorted(map(sizes, read(tmp_path))) == [[-10], [10], [10, 10]]


@pytest.mark.parametrize("limits", [RecordingLimits(files=3), RecordingLimits(file_bytes=700)])
async def test_oldest_files_go(tmp_path: Path, limits: RecordingLimits) -> None:
    recorder = Recorder(tmp_path, "all", limits)
    for number in range(8):
        recording = started(recorder)
        recording.take(b"data: " + b"x" * number + b"\n")
        recording.end({}, None)
        await written(recording)
    files = await recorder.files()
    await recorder.close()
    assert len(files) in (3, 4)
    assert sum(file.size for file in files) <= limits.file_bytes
    assert 13 in [sizes(turn)[0] - 1 for turn in read(tmp_path)], "the latest is there"


async def test_flood_of_failures_does_not_pile_up(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "all")
    recordings = [started(recorder) for _ in range(100)]
    for recording in recordings:
        recording.take(b"data: x\n")
        recording.end({}, FAILED)
    assert sum(recording.held > 0 for recording in recordings) <= 8
    await recorder.close()
    assert 1 <= len(read(tmp_path)) <= 8
    assert not any(recording.held for recording in recordings)


async def test_folder_that_cannot_be_written_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "recordings").write_text("no folder")
    recorder = Recorder(tmp_path / "recordings", "all")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            recording = started(recorder)
            recording.take(b"data: x\n")
            recording.end({}, FAILED)
            await written(recording)
    await recorder.close()
    assert caplog.text.count("cannot be written") == 1


async def test_exchanges_of_a_turn_are_kept_apart(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "all")
    recording = started(recorder)
    recording.take(b"data: 1\n")
    recording.begin([])
    recording.take(b"data: 22\n")
    recording.end({}, None)
    await recorder.close()
    first, second = read(tmp_path)[0].streams
    assert [len(piece.data) for piece in first.pieces] == [8]
    assert [len(piece.data) for piece in second.pieces] == [9]
    assert [role for _, role in first.sent] == ["user"]
    assert second.at >= first.at


async def test_streams_of_an_exchange_that_goes_on_are_kept_apart(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "all", RecordingLimits(head=200, tail=0))
    recording = started(recorder)
    for fresh in (True, False):
        recording.take(b"data: 1\n")
        recording.take(b"data: 22\n")
        recording.go_on(fresh=fresh)
    recording.take(b"data: 333\n")
    recording.end({}, None)
    await recorder.close()
    turn = read(tmp_path)[0]
    assert [stream.goes_on for stream in turn.streams] == ["", "fresh", "behind"]
    kept = [[-piece.gap or len(piece.data) for piece in stream.pieces] for stream in turn.streams]
    assert kept == [[8, -9], [8, -9], [10]], "each has a limit of its own"


async def test_streams_beyond_the_limit_are_a_gap(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "all")
    recording = started(recorder)
    for _ in range(MAX_STREAMS + 1):
        recording.take(b"data: 1\n")
        recording.go_on(fresh=True)
    recording.take(b"data: 22\n")
    recording.end({}, None)
    await recorder.close()
    streams = read(tmp_path)[0].streams
    assert len(streams) == MAX_STREAMS
    assert [piece.gap for piece in streams[-1].pieces] == [0, 8, 9]
