"""Speech and transcription since 2026 (protocol notes, section 20.10)."""

from simulator.refusals import NOT_FOUND, Refusal, Refused, invalid
from simulator.routes.accounts_2026 import Handler2026

VOICES = ("cove", "fathom", "vale", "ember", "breeze", "orbit", "maple", "glimmer", "juniper")
_TYPES = {"aac": "audio/aac", "mp3": "audio/mpeg", "opus": "audio/ogg"}


class AudioHandler(Handler2026):
    """Base of both; a backend without audio has neither."""

    has_json_body = False

    def prepare(self) -> None:
        """See `Handler2026`. Raises Refused (404)."""
        super().prepare()
        if not self.backend.knobs.audio:
            raise Refused(NOT_FOUND)


class SynthesizeHandler(AudioHandler):
    """GET synthesize: reads out an assistant's message of a stored conversation."""

    def get(self) -> None:
        """Bytes that name format and voice, and hold the text. Raises Refused (400, 404, 422)."""
        form, voice = self.get_query_argument("format", "aac"), self.get_query_argument("voice", "cove")
        if form not in _TYPES or voice not in VOICES:
            raise Refused(
                invalid([(["voice"], "value is not a valid enumeration member", "type_error.enum")])
            )
        conversations = self.backend.state.conversations
        conversation = conversations.find(self.key, self.get_query_argument("conversation_id", ""))
        message = conversation.message(self.get_query_argument("message_id", ""))
        if message is None or message.role != "assistant":
            raise Refused(Refusal.detail(400, "Only messages of the assistant can be read out"))
        self.set_header("Content-Type", _TYPES[form])
        self.finish(f"{form} {voice}\n{message.text}".encode())


class TranscribeHandler(AudioHandler):
    """POST transcribe: a file of sound in a multipart body."""

    def post(self) -> None:
        """Words that tell the file's size. Raises Refused (422)."""
        files = self.request.files.get("file")
        if not files:
            raise Refused(invalid([(["file"], "field required", "value_error.missing")]))
        self.reply({"text": f"These are {len(files[0].body)} bytes of simulated speech."})
