"""Sound in turns: how its failures are told."""

import pytest

from accounts import Caller, Credential
from runtime import ByteBudget, HeldBytes
from tests.own_keys import OwnKeys
from tests.plenty import held
from translate.values import ApiError, NotFound, Overloaded, UpstreamFailed
from turns import Voice
from upstream import UnusableAnswer, UpstreamError
from upstream.files import AudioMissing, BackendFiles, FileHasNoRoom, TransferRefused

ALICE = Caller("fk-alice")


class FailingFiles(BackendFiles):
    """Gives nothing but an error."""

    def __init__(self, error: UpstreamError) -> None:
        self._error = error

    async def transcribe(self, credential: Credential, data: bytes, name: str, language: str) -> str:
        raise self._error

    async def read_out(self, credential: Credential, query: dict[str, str], held: HeldBytes) -> bytes:
        raise self._error


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (AudioMissing(), NotFound, "This backend has no audio"),
        (FileHasNoRoom(), Overloaded, "Too many files are held at once."),
        (TransferRefused(500), UpstreamFailed, "could not be fetched"),
        (UnusableAnswer("recording"), UpstreamFailed, "not with what was asked for"),
    ],
)
async def test_failure_to_read_out_is_told(error: UpstreamError, kind: type[ApiError], words: str) -> None:
    voice, credential = Voice(FailingFiles(error), OwnKeys()), Credential(ALICE.key)
    with pytest.raises(kind, match=words):
        await voice.read_out(credential, "c-1", "m-1", voice="cove", form="mp3", held=held())


async def test_words_that_cannot_be_used_are_told() -> None:
    voice = Voice(FailingFiles(UnusableAnswer("transcription")), OwnKeys())
    with pytest.raises(UpstreamFailed, match="not with what was asked for"):
        await voice.transcribe(ALICE, b"sound", "a.mp3", "", held())


async def test_recording_for_which_there_is_no_room_is_not_sent() -> None:
    voice = Voice(FailingFiles(UnusableAnswer("transcription")), OwnKeys())
    with ByteBudget(4).hold() as none, pytest.raises(Overloaded, match="Too many files are held at once"):
        await voice.transcribe(ALICE, b"sound", "a.mp3", "", none)
