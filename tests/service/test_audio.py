"""Speech and transcriptions through the whole service, asked by the official SDK."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import openai
import pytest

from accounts import Caller, Credential
from handlers import AppParts
from runtime import ByteBudget, HeldBytes
from simulator import Knobs
from tests.eventually import eventually
from tests.raw_client import Connection
from tests.service.deployment import JSON_TYPE, KEY, Deployment, deployed
from turns import Voice

KNOBS = Knobs(age="2026", busy=False, cap=0, pace=0)
AUDIO = {"AUDIO": "true"}
TEXT = "The kettle sings at noon, and the tea is ready."
SPEECH: dict[str, Any] = {"model": "tts-1", "input": TEXT, "voice": "alloy"}
TRANSCRIPTIONS = "/v1/audio/transcriptions"
FORM_TYPE = {"Content-Type": "multipart/form-data; boundary=x"}
FORM = (
    b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nw\r\n--x\r\n'
    b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\nsound\r\n--x--\r\n'
)


@asynccontextmanager
async def audio(
    knobs: Knobs = KNOBS, **settings: str
) -> AsyncIterator[tuple[Deployment, openai.AsyncOpenAI]]:
    async with deployed({**AUDIO, **settings}, knobs) as service:
        base = f"http://127.0.0.1:{service.port}/v1"
        async with openai.AsyncOpenAI(api_key=KEY, base_url=base, max_retries=0) as client:
            yield service, client


def asked(service: Deployment, end: str) -> list[str]:
    """Methods of the calls whose paths end so."""
    return [request.method for request in service.upstream.requests if request.path.endswith(end)]


@pytest.mark.parametrize("form", ["mp3", "opus", "aac"])
async def test_text_is_read_out(form: Any) -> None:
    async with audio() as (service, client):
        speech = await client.audio.speech.create(
            model="tts-1",
            input=TEXT,
            voice="nova",
            response_format=form,
        )
    assert speech.content == f"{form} maple\n{TEXT}".encode()
    assert speech.response.headers["content-type"].startswith("audio/")
    assert asked(service, "/synthesize") == ["GET"]


@pytest.mark.parametrize("history", ["keep", "hide", "temporary"])
async def test_conversation_is_stored_and_hidden_afterwards(history: str) -> None:
    async with audio(HISTORY=history) as (service, client):
        await client.audio.speech.create(**SPEECH)
        seen = service.upstream.requests
        await eventually(lambda: any(request.method == "PATCH" for request in seen))
        (posted,) = [request.body for request in seen if request.path.endswith("/conversation")]
        order = [request.path.rpartition("/")[2] for request in seen]
        assert posted["history_and_training_disabled"] is False
        assert asked(service, "/synthesize") == ["GET"]
        hidden = [index for index, r in enumerate(seen) if r.method == "PATCH"]
        assert len(hidden) == 1
        assert hidden[0] > order.index("synthesize")


async def test_speech_is_charged_like_any_turn_and_a_transcription_is_not() -> None:
    async with audio() as (service, client):
        await client.audio.speech.create(**SPEECH)
        await client.audio.transcriptions.create(model="whisper-1", file=("tea.mp3", b"sound"))
        usage = (await service.ask("GET", "/v1/usage", key=KEY)).json
        assert (service.requests("ok", "audio"), service.requests("ok", "transcriptions")) == (1, 1)
    assert usage["today"]["units"] == 4
    assert usage["today"]["by_model"] == {"gpt-3.5-turbo": 4}


async def test_quota_holds_for_speech() -> None:
    async with audio(QUOTA_PER_DAY="5") as (_, client):
        await client.audio.speech.create(**SPEECH)
        with pytest.raises(openai.RateLimitError):
            await client.audio.speech.create(**SPEECH)


@pytest.mark.parametrize("form", ["json", "text"])
async def test_recording_is_turned_into_words(form: Any) -> None:
    async with audio() as (service, client):
        words = await client.audio.transcriptions.create(
            model="whisper-1",
            file=('te"a\r\n.mp3', b"\x00sound\r\n--"),
            language="en",
            response_format=form,
        )
    text = words if isinstance(words, str) else words.text
    assert text.strip() == "These are 10 bytes of simulated speech."
    assert asked(service, "/transcribe") == ["POST"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input", ""),
        ("input", "x" * 4097),
        ("input", None),
        ("voice", "nobody"),
        ("voice", {"id": "own"}),
        ("model", 5),
        ("response_format", "flac"),
        ("speed", 2),
        ("stream_format", "sse"),
    ],
)
async def test_speech_that_cannot_be_had_names_the_field(field: str, value: object) -> None:
    async with audio() as (service, _):
        answer = await service.post({**SPEECH, field: value}, path="/v1/audio/speech")
        assert (answer.status, answer.error["param"]) == (400, field)
        assert asked(service, "conversation") == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": "verbose_json"}, "response_format"),
        ({"response_format": "srt"}, "response_format"),
        ({"stream": True}, "stream"),
        ({"model": " "}, "model"),
        ({"file": ("a.mp3", b"")}, "file"),
        ({"language": "x" * 300}, "language"),
    ],
)
async def test_transcription_that_cannot_be_had_names_the_field(fields: dict[str, Any], param: str) -> None:
    async with audio() as (service, client):
        with pytest.raises(openai.BadRequestError) as raised:
            await client.audio.transcriptions.create(
                **{"model": "whisper-1", "file": ("a.mp3", b"sound"), **fields}
            )
        assert raised.value.param == param
        assert asked(service, "/transcribe") == []


@pytest.mark.parametrize(
    "knobs", [Knobs(busy=False, cap=0, pace=0), Knobs(age="2026", audio=False, cap=0, pace=0)]
)
async def test_backend_without_audio_is_told_of(knobs: Knobs) -> None:
    async with audio(knobs) as (service, client):
        for _ in range(2):
            with pytest.raises(openai.NotFoundError) as speech:
                await client.audio.speech.create(**SPEECH)
        assert len(asked(service, "/conversation")) == 1
        with pytest.raises(openai.NotFoundError) as words:
            await client.audio.transcriptions.create(model="whisper-1", file=("tea.mp3", b"sound"))
    assert speech.value.code == words.value.code == "audio_not_available"
    assert speech.value.response.headers["x-should-retry"] == "false"


async def test_model_that_says_something_else_is_not_read_out() -> None:
    async with audio() as (service, client):
        with pytest.raises(openai.InternalServerError) as raised:
            await client.audio.speech.create(model="tts-1", voice="cove", input=f"{TEXT} [[sim pace=0]]")
        assert raised.value.code == "text_not_repeated"
        assert asked(service, "/synthesize") == []


@asynccontextmanager
async def waiting_for_room() -> AsyncIterator[tuple[Deployment, Connection, HeldBytes]]:
    """A transcription that waits until others give back what they hold, its client, and what holds it up."""
    room = ByteBudget(1000)
    elder, full = room.hold(), room.hold()

    def crowded(parts: AppParts) -> AppParts:
        return replace(parts, common=replace(parts.common, room=room))

    async with deployed(AUDIO, KNOBS, adapt=crowded) as service, service.connect() as client:
        assert (elder.grow_to(1), full.grow_to(1000)) == (None, None)
        await client.send("POST", TRANSCRIPTIONS, {**FORM_TYPE, "Authorization": f"Bearer {KEY}"}, FORM)
        await eventually(lambda: service.in_flight == 1)
        yield service, client, full


async def test_recording_that_waits_for_room_is_sent_once_there_is_some() -> None:
    async with waiting_for_room() as (service, client, full):
        assert asked(service, "/transcribe") == []
        full.release()
        answer = await client.answer()
    assert answer.json == {"text": "These are 5 bytes of simulated speech."}


async def test_recording_of_a_client_that_leaves_while_it_waits_for_room_is_not_sent() -> None:
    async with waiting_for_room() as (service, client, full):
        client.close()
        await eventually(lambda: service.in_flight == 0)
        full.release()
        await asyncio.sleep(0.1)
        assert asked(service, "/transcribe") == []
        assert service.requests("client_gone", "transcriptions") == 1


async def test_recording_that_waits_for_room_while_the_service_stops_is_given_up() -> None:
    async with waiting_for_room() as (service, client, full):
        await service.server.service.running.drain(0)
        assert service.in_flight == 0
        full.release()
        answer = await client.answer()
        assert asked(service, "/transcribe") == []
    assert (answer.status, answer.error["message"]) == (503, "The service is restarting.")


async def test_there_is_no_audio_unless_it_is_set() -> None:
    async with deployed() as service:
        for path in ("speech", "transcriptions"):
            answer = await service.post(SPEECH, path=f"/v1/audio/{path}")
            assert (answer.status, answer.error["code"]) == (404, "unknown_url")
            assert answer.error["message"].endswith("if the service is set to AUDIO=true.")


async def test_key_that_is_refused_is_refused_here_too() -> None:
    async with audio() as (service, _):
        words = await service.ask("POST", TRANSCRIPTIONS, FORM_TYPE, FORM, key="sk-refused")
        body = json.dumps(SPEECH).encode()
        speech = await service.ask("POST", "/v1/audio/speech", JSON_TYPE, body, key="sk-refused")
        nobody = await service.ask("POST", "/v1/audio/speech", JSON_TYPE, body, key="")
    assert [answer.status for answer in (words, speech, nobody)] == [401, 401, 401]


class SlowVoice(Voice):
    """Holds a recording, and never comes to an end."""

    def __init__(self) -> None:
        self.working = 0

    def check_speech(self, caller: Caller) -> None:
        pass

    async def transcribe(self, caller: Caller, data: bytes, name: str, language: str, held: HeldBytes) -> str:
        assert held.grow_to(len(data)) is None
        await self._work()
        return ""

    async def read_out(
        self,
        credential: Credential,
        conversation_id: str,
        message_id: str,
        *,
        voice: str,
        form: str,
        held: HeldBytes,
    ) -> bytes:
        assert held.grow_to(1000) is None
        await self._work()
        return b""

    async def _work(self) -> None:
        self.working += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.working -= 1


FORM = (
    b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nw\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nsound\r\n--x--\r\n'
)
FORM_TYPE = {"Content-Type": "multipart/form-data; boundary=x"}


async def test_recording_is_held_no_longer_than_it_takes_to_write_it() -> None:
    async with audio() as (service, client):
        room = service.server.service.app.common.room
        for _ in range(2):
            await client.audio.speech.create(**SPEECH)
            await client.audio.transcriptions.create(model="whisper-1", file=("tea.mp3", b"sound"))
        await eventually(lambda: room.used == 0)


@pytest.mark.parametrize(
    ("path", "route", "head", "body"),
    [
        ("speech", "audio", JSON_TYPE, json.dumps(SPEECH).encode()),
        ("transcriptions", "transcriptions", FORM_TYPE, FORM),
    ],
)
async def test_client_that_leaves_ends_the_work_and_nothing_is_held_for_it(
    path: str, route: str, head: dict[str, str], body: bytes
) -> None:
    voice = SlowVoice()
    async with deployed(AUDIO, KNOBS, adapt=lambda parts: replace(parts, voice=voice)) as service:
        room = service.server.service.app.common.room
        async with service.connect() as connection:
            await connection.send(
                "POST", f"/v1/audio/{path}", {"Authorization": f"Bearer {KEY}", **head}, body
            )
            await eventually(lambda: voice.working == 1)
            assert room.used > 0
        await eventually(lambda: voice.working == 0)
        await eventually(lambda: room.used == 0)
        await eventually(lambda: service.requests("client_gone", route) == 1)


async def test_key_that_is_refused_is_remembered_and_the_backend_not_asked_again() -> None:
    async with audio(REFUSED_KEY_SECONDS="60") as (service, _):
        for _ in range(2):
            answer = await service.ask("POST", "/v1/audio/transcriptions", FORM_TYPE, FORM, key="sk-refused")
            assert answer.status == 401
        assert asked(service, "/transcribe") == ["POST"]
