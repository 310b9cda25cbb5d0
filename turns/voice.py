"""Sound in turns: an answer that is read out, and a recording turned into words."""

from accounts import Caller, Credential, Lender
from runtime import HeldBytes, NoRoom
from translate.values import ApiError, NotFound, Overloaded, UpstreamFailed
from turns.failures import as_api_error
from upstream import UnusableAnswer, UpstreamError
from upstream.files import AudioMissing, BackendFiles, FileHasNoRoom, FilesError


class Voice:
    """Reads out and transcribes through `files`, with the credentials that `lender` says."""

    def __init__(self, files: BackendFiles, lender: Lender) -> None:
        self._files = files
        self._lender = lender

    async def transcribe(self, caller: Caller, data: bytes, name: str, language: str, held: HeldBytes) -> str:
        """The words in a recording; see `BackendFiles`. It costs no conversation.

        What is sent is a copy, which `held` has first: that may have to be waited for. Raises ApiError.
        """
        try:
            if (waiting := held.grow_to(len(data))) is not None:
                await waiting
            credential = self._lender.credential(caller)
            return await self._files.transcribe(credential, data, name, language)
        except NoRoom:
            raise _no_room() from None
        except UpstreamError as error:
            raise _as_api_error(error) from None

    def check_speech(self, caller: Caller) -> None:
        """To be called before a text is repeated in vain. Raises NotFound if the account had no speech within
        the last hour.
        """
        if not any(map(self._files.may_read_out, self._lender.credentials(caller))):
            raise _as_api_error(AudioMissing())

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
        """The recording of a message of a conversation, which must be stored. Raises ApiError."""
        if not conversation_id or not message_id:
            raise UpstreamFailed("The backend did not say which message it can read out.", should_retry=False)
        query = {
            "message_id": message_id,
            "conversation_id": conversation_id,
            "voice": voice,
            "format": form,
        }
        try:
            return await self._files.read_out(credential, query, held)
        except UpstreamError as error:
            raise _as_api_error(error) from None


def _as_api_error(error: UpstreamError) -> ApiError:
    if isinstance(error, AudioMissing):
        message = "This backend has no audio, or not for this account."
        return NotFound(message, code="audio_not_available", should_retry=False)
    if isinstance(error, FileHasNoRoom):
        return _no_room()
    if isinstance(error, FilesError):
        return UpstreamFailed("The recording could not be fetched from the backend.", should_retry=False)
    if isinstance(error, UnusableAnswer):
        return UpstreamFailed("The backend answered, but not with what was asked for.", should_retry=False)
    return as_api_error(error)


def _no_room() -> Overloaded:
    return Overloaded("Too many files are held at once.", retry_after=5)
