"""Requests for speech and transcriptions, and what is answered."""

import json

import pytest

from translate.openai import (
    Form,
    FormFile,
    SpeechAnswer,
    SpeechRequest,
    TranscriptionRequest,
    read_speech,
    read_transcription,
    repeats,
    repetition,
    transcription,
)
from translate.openai.audio import MAX_SPEECH, SIMILAR, VOICES
from translate.values import AnswerEnd, AnswerFormat, BadRequest, ItemEnded, ItemKind, Usage

SPEECH: dict[str, object] = {"model": "tts-1", "input": "Hello", "voice": "cove"}


def form(*files: FormFile, **fields: str) -> Form:
    return Form({"model": "whisper-1", **fields}, {"file": list(files)})


SOUND = FormFile("a.mp3", b"sound")


def test_speech_has_a_default_format() -> None:
    assert read_speech(SPEECH) == SpeechRequest("tts-1", "Hello", "cove", "mp3")
    assert (
        read_speech({**SPEECH, "response_format": "opus", "speed": 1, "stream_format": "audio"}).form
        == "opus"
    )


@pytest.mark.parametrize("voice", [*SIMILAR, *VOICES, "Nova", "COVE"])
def test_each_official_voice_is_one_of_the_backend(voice: str) -> None:
    assert read_speech({**SPEECH, "voice": voice}).voice in VOICES


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", None),
        ("model", "x" * 300),
        ("input", " "),
        ("input", 5),
        ("input", "x" * (MAX_SPEECH + 1)),
        ("voice", "nobody"),
        ("voice", ["cove"]),
        ("response_format", "wav"),
        ("response_format", 3),
        ("response_format", ""),
        ("response_format", {}),
        ("speed", 1.5),
        ("stream_format", "sse"),
    ],
)
def test_speech_names_the_field_at_fault(field: str, value: object) -> None:
    with pytest.raises(BadRequest) as raised:
        read_speech({**SPEECH, field: value})
    assert raised.value.param == field


def test_longest_text_is_taken() -> None:
    assert len(read_speech({**SPEECH, "input": "x" * MAX_SPEECH}).text) == MAX_SPEECH


@pytest.mark.parametrize(
    ("answer", "same"),
    [
        ("It is 5 o'clock, dear!", True),
        ("“It is **5** o\u2019clock, dear!”\n", True),
        ("Sure: It is 5 o'clock, dear!", False),
        ("It is 6 o'clock, dear!", False),
        ("", False),
    ],
)
def test_words_are_compared_and_nothing_else(answer: str, *, same: bool) -> None:
    assert repeats("It is 5 o'clock, dear!", answer) is same


def test_model_is_asked_to_repeat_the_text() -> None:
    assert repetition("Hello there").endswith(" Hello there")


def test_transcription_takes_one_file() -> None:
    assert read_transcription(form(SOUND)) == TranscriptionRequest("a.mp3", b"sound", "", plain=False)
    wanted = read_transcription(form(SOUND, response_format="text", language="de", stream="false"))
    assert (wanted.language, wanted.plain) == ("de", True)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        (form(), "file"),
        (form(SOUND, SOUND), "file"),
        (form(FormFile("a", b"")), "file"),
        (form(SOUND, model=""), "model"),
        (form(SOUND, response_format="vtt"), "response_format"),
        (form(SOUND, response_format="xml"), "response_format"),
        (form(SOUND, stream="true"), "stream"),
        (form(SOUND, language="x" * 300), "language"),
    ],
)
def test_transcription_names_the_field_at_fault(asked: Form, param: str) -> None:
    with pytest.raises(BadRequest) as raised:
        read_transcription(asked)
    assert raised.value.param == param


def test_words_are_answered_as_json_or_alone() -> None:
    assert json.loads(transcription('é "quoted"', plain=False)) == {"text": 'é "quoted"'}
    assert transcription("é", plain=True) == "é\n".encode()


def test_speech_is_answered_with_the_recording() -> None:
    answer = SpeechAnswer("mp3")
    format: AnswerFormat = answer
    answer.recording = b"sound"
    end = AnswerEnd("stop", Usage(1, 1), answer=_Said())
    assert format.content_type == "audio/mpeg"
    assert format.open() + format.encode(ItemEnded(ItemKind.PROSE, "a")) + format.idle(visible=True) == b""
    assert format.finish(end) == b"sound"
    assert json.loads(format.fail(BadRequest("no")))["error"]["message"] == "no"


class _Said:
    escaped = b"Hello"
    text = "Hello"
