"""Audio requests: a text to be read out, a recording to be turned into words."""

from dataclasses import dataclass
from typing import Final

from translate.openai.checks import MAX_NAME, check_length, expected
from translate.openai.form import Form
from translate.openai.whole import WholeAnswer
from translate.values import AnswerEnd, BadRequest, JsonObject, json_text

MAX_SPEECH: Final = 4096
"""Characters of a text to be read out, as at the official service."""
VOICES: Final = ("breeze", "cove", "ember", "fathom", "glimmer", "juniper", "maple", "orbit", "vale")
"""The backend's own (protocol notes, section 20.10)."""
SIMILAR: Final = {
    "alloy": "breeze",
    "ash": "cove",
    "ballad": "fathom",
    "cedar": "cove",
    "coral": "juniper",
    "echo": "ember",
    "fable": "orbit",
    "marin": "maple",
    "nova": "maple",
    "onyx": "fathom",
    "sage": "vale",
    "shimmer": "glimmer",
    "verse": "orbit",
}
"""For each official voice one of the backend's; which sounds most like which is a matter of taste."""
SPEECH_VOICES: Final = (*SIMILAR, *VOICES)
"""All names of voices that a request may have."""
SPEECH_TYPES: Final = {"mp3": "audio/mpeg", "aac": "audio/aac", "opus": "audio/ogg"}
"""The formats that the backend has, and their types."""
NO_TIMES: Final = ("srt", "vtt", "verbose_json", "diarized_json")


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A text to be read out. `model` is as asked, `voice` the backend's, `form` one of `SPEECH_TYPES`."""

    model: str
    text: str
    voice: str
    form: str


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """A recording to be turned into words. `language` may be empty; `plain`: the answer is the text alone."""

    name: str
    data: bytes
    language: str
    plain: bool


def read_speech(data: JsonObject) -> SpeechRequest:
    """The request. Raises BadRequest with the field at fault in `param`."""
    model, text, voice = (_text(data, name) for name in ("model", "input", "voice"))
    check_length(model, "model", MAX_NAME)
    if len(text) > MAX_SPEECH:
        raise BadRequest(f"The input exceeds {MAX_SPEECH} characters.", param="input")
    voice = SIMILAR.get(voice.lower(), voice.lower())
    if voice not in VOICES:
        raise BadRequest(f"There is no such voice. There are: {', '.join(SPEECH_VOICES)}.", param="voice")
    form = data.get("response_format")
    if form is None:
        form = "mp3"
    if not isinstance(form, str) or form not in SPEECH_TYPES:
        kinds = f"one of {', '.join(SPEECH_TYPES)}"
        raise BadRequest(expected("response_format", kinds), param="response_format")
    if data.get("speed") not in (None, 1):
        raise BadRequest("The speed cannot be changed here.", param="speed")
    if data.get("stream_format") not in (None, "audio"):
        raise BadRequest(expected("stream_format", "audio"), param="stream_format")
    return SpeechRequest(model, text, voice, form)


def _text(data: JsonObject, name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(expected(name, "a non-empty string"), param=name)
    return value


def repetition(text: str) -> str:
    """What a model is asked, so that it says `text`."""
    return f"Repeat exactly: {text}"


def repeats(text: str, answer: str) -> bool:
    """Whether `answer` is `text`, but for white space, punctuation and Markdown."""
    return _heard(text) == _heard(answer)


def _heard(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def read_transcription(form: Form) -> TranscriptionRequest:
    """The request. Raises BadRequest with the field at fault in `param`."""
    files = form.files.get("file", [])
    if len(files) != 1 or not files[0].data:
        raise BadRequest("The form must bring one file in the field 'file'.", param="file")
    if not form.fields.get("model", "").strip():
        raise BadRequest(expected("model", "a non-empty string"), param="model")
    wanted = form.fields.get("response_format") or "json"
    if wanted in NO_TIMES:
        raise BadRequest(
            "The backend gives words without times or speakers: use json or text.", param="response_format"
        )
    if wanted not in ("json", "text"):
        raise BadRequest(expected("response_format", "json or text"), param="response_format")
    if form.fields.get("stream", "").lower() in ("true", "1"):
        raise BadRequest("Transcriptions cannot be streamed here.", param="stream")
    language = form.fields.get("language", "")
    check_length(language, "language", MAX_NAME)
    return TranscriptionRequest(files[0].name, files[0].data, language, wanted == "text")


def transcription(text: str, *, plain: bool) -> bytes:
    """The body of the answer."""
    return f"{text}\n".encode() if plain else json_text({"text": text}, ascii=False).encode()


class SpeechAnswer(WholeAnswer):
    """The body of a speech response: `recording`, which is put there before the end."""

    def __init__(self, form: str) -> None:
        self.content_type = SPEECH_TYPES[form]
        self.recording = b""

    def finish(self, end: AnswerEnd) -> bytes:
        """The recording."""
        return self.recording
