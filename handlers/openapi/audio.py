"""Speech and transcriptions, where the backend has audio."""

from typing import Final

from handlers.openapi.operations import (
    CONVERSING,
    JSON,
    Family,
    answer,
    binary,
    form_body,
    json_body,
    operation,
)
from handlers.openapi.schemas import model_name, nullable, number, record, text, whole
from translate.openai import MAX_SPEECH, SPEECH_TYPES, SPEECH_VOICES

AUDIO: Final = Family(
    name="Audio",
    about="Texts that are read out, and recordings turned into words.",
    paths={
        "/v1/audio/speech": {
            "post": operation(
                "createSpeech",
                "Read a text out.",
                {
                    200: answer(
                        "The recording.", {kind: binary("The recording.") for kind in SPEECH_TYPES.values()}
                    )
                },
                CONVERSING,
                about="A model is asked to repeat the text, which costs a conversation.",
                body=json_body(
                    record(
                        {
                            "model": model_name(),
                            "input": text(pattern=r"\S", maxLength=MAX_SPEECH),
                            "voice": text(f"One of {', '.join(SPEECH_VOICES)}.", examples=[SPEECH_VOICES[0]]),
                            "response_format": nullable(text(enum=list(SPEECH_TYPES))),
                            "speed": nullable(number("It cannot be changed.", enum=[1, None])),
                            "stream_format": nullable(text(enum=["audio"])),
                        },
                        required=("model", "input", "voice"),
                    )
                ),
            )
        },
        "/v1/audio/transcriptions": {
            "post": operation(
                "createTranscription",
                "Turn a recording into words.",
                {
                    200: answer(
                        "The words, as `response_format` says.",
                        {JSON: whole({"text": text()}), "text/plain": text()},
                    )
                },
                CONVERSING,
                body=form_body(
                    record(
                        {
                            "file": binary("The recording."),
                            "model": text(pattern=r"\S"),
                            "language": text(),
                            "response_format": text(enum=["json", "text"]),
                        },
                        required=("file", "model"),
                    )
                ),
            )
        },
    },
    schemas={},
)
