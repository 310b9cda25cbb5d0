"""`POST /v1/audio/speech` and `/v1/audio/transcriptions`.

The backend reads out messages of stored conversations only: so a model is asked to repeat the text, which
costs a conversation, and that conversation is hidden afterwards. A transcription costs none.
"""

import asyncio

from access import KeyVerdict
from accounts import Credential
from handlers.answer import AnswerHandler, AnswerParts
from handlers.body import BodyHandler
from metrics import Outcome
from runtime import HeldBytes
from translate import Options
from translate.openai import (
    FormBody,
    JsonBody,
    SpeechAnswer,
    SpeechRequest,
    TranscriptionRequest,
    read_speech,
    read_transcription,
    repeats,
    repetition,
    transcription,
)
from translate.values import ApiError, ChatMessage, Style, Unauthorized, UpstreamFailed
from turns import Answered, Prompt, StoppableWork, Stopped, TurnRequest, Voice, outcome_of


class SpeechHandler(AnswerHandler[JsonBody]):
    """A text that is read out."""

    route = "audio"
    _format: SpeechAnswer | None = None

    def initialize(self, parts: AnswerParts, voice: Voice) -> None:
        """`parts` are those of every answer."""
        self.parts = parts
        self.voice = voice

    def new_body(self) -> JsonBody:
        """JSON."""
        return JsonBody()

    async def post(self) -> None:
        """Have the text repeated and read out. Raises ApiError."""
        wanted = read_speech(await self.parsed(JsonBody.read_object))
        model = await self.resolve(wanted.model)
        self.check_limits(self.caller, model)
        self.voice.check_speech(self.caller)
        format = self._format = SpeechAnswer(wanted.form)
        held = self.hold()

        async def read_out(credential: Credential, answered: Answered) -> None:
            format.recording = await self._read_out(credential, answered, wanted, held)

        turn = TurnRequest(
            self.caller,
            Prompt(model, [ChatMessage("user", repetition(wanted.text))], stored=True),
            Options(style=Style.TEXT),
            self.public_base(),
            afterwards=read_out,
            trace=self.trace,
        )
        await self.respond(self.parts.turns.turn(turn, format), format)

    async def _read_out(
        self, credential: Credential, answered: Answered, wanted: SpeechRequest, held: HeldBytes
    ) -> bytes:
        if not repeats(wanted.text, answered.text):
            raise UpstreamFailed(
                "The model did not repeat the text, so it is not read out.",
                code="text_not_repeated",
                should_retry=False,
            )
        return await self.voice.read_out(
            credential,
            answered.conversation_id,
            answered.message_id,
            voice=wanted.voice,
            form=wanted.form,
            held=held,
        )

    def send_body(self, body: bytes) -> "asyncio.Future[None]":
        """See `ApiHandler`; here a good response is the recording."""
        if self._format is not None and self.failure is None:
            self.set_header("Content-Type", self._format.content_type)
        return super().send_body(body)


class TranscriptionsHandler(BodyHandler[FormBody]):
    """A recording turned into words."""

    route = "transcriptions"
    content_type = "multipart/form-data"
    _stopped_by: ApiError | None = None

    def initialize(self, parts: AnswerParts, voice: Voice) -> None:
        """`parts` are those of every answer."""
        self.parts = parts
        self.voice = voice
        self._work = StoppableWork()

    def new_body(self) -> FormBody:
        """A form, with the boundary that the headers name."""
        return FormBody(self.request.headers.get("Content-Type", ""))

    async def post(self) -> None:
        """Have the recording transcribed. Raises ApiError."""
        wanted = read_transcription(await self.parsed(FormBody.read_form))
        if self.client_left:
            self._work.stop()
        with self.let_in(self.caller) as visit, self.parts.running.admit(self, self.route):
            try:
                text = await self._work.do(self._transcribed(wanted))
            except ApiError as error:
                refused = isinstance(error, Unauthorized)
                visit.verdict = KeyVerdict.REFUSED if refused else KeyVerdict.DOUBTFUL
                self.outcome = outcome_of(error)
                raise
            except Stopped:
                if self._stopped_by is not None:
                    raise self._stopped_by from None
                self.outcome = Outcome.CLIENT_GONE
                return
            visit.verdict = KeyVerdict.ACCEPTED
        if wanted.plain:
            self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.send_body(transcription(text, plain=wanted.plain))

    async def _transcribed(self, wanted: TranscriptionRequest) -> str:
        with self.common.room.hold() as held:
            return await self.voice.transcribe(self.caller, wanted.data, wanted.name, wanted.language, held)

    def stop(self, error: ApiError) -> None:
        """End it soon, with `error`."""
        self._stopped_by = error
        self._work.stop()

    def on_connection_close(self) -> None:
        """The client left; Tornado calls this once."""
        super().on_connection_close()
        self._work.stop()
