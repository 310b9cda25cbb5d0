"""What makes answers: turns, and what they need beside the backend, the accounts and the files."""

from dataclasses import dataclass
from pathlib import Path

from ledger import ChargeBook
from metrics import Metrics
from recordings import Recorder
from runtime import BackgroundTasks
from settings import Settings
from turns import (
    AttachmentUploader,
    LaterHiding,
    Preparation,
    PromptOptions,
    RunningAnswers,
    TokenCounter,
    TurnFactory,
    TurnParts,
)
from upstream.gpts import GptDescriptions
from wiring.accounts import Accounts
from wiring.backend import Backend
from wiring.files import Files

__all__ = ["Answers", "make_answers"]


@dataclass(frozen=True, slots=True)
class Answers:
    """What makes answers, and the answers in flight.

    `hiding` hides conversations that others may go on with; None where none is hidden, or none goes on.
    """

    turns: TurnFactory
    running: RunningAnswers
    tokens: TokenCounter
    recorder: Recorder
    hiding: LaterHiding | None


def make_answers(
    settings: Settings,
    backend: Backend,
    accounts: Accounts,
    charges: ChargeBook,
    descriptions: GptDescriptions,
    files: Files,
    metrics: Metrics,
    *,
    goes_on: bool,
    hidden_after: float,
) -> Answers:
    """Join what a turn needs. With `goes_on`, conversations may be gone on with; then they are hidden only
    when they have been quiet for `hidden_after` seconds.
    """
    hides = settings.history == "hide"
    hiding = LaterHiding(backend.files.hide_conversation, hidden_after) if hides and goes_on else None
    aftermath = BackgroundTasks()
    tokens = TokenCounter()
    recorder = Recorder(Path(settings.state_dir) / "recordings", settings.record)
    turns = TurnFactory(
        TurnParts(
            conversations=backend.conversations,
            pool=accounts.pool,
            health=accounts.health,
            renewed=accounts.roster.reread_credential,
            charges=charges,
            limits=backend.limits,
            preparation=Preparation(
                descriptions,
                AttachmentUploader(files.reader, backend.files, files.room, files.own),
                _prompt_options(settings),
            ),
            files=backend.files,
            media=files.media,
            room=files.room,
            metrics=metrics,
            tokens=tokens,
            recorder=recorder,
            aftermath=aftermath,
            retries=settings.upstream_retries,
            retry_unclear=settings.retry_unclear,
            hide=hides,
            hiding=hiding,
            link_upstream=settings.image_links == "upstream",
        ),
        continue_limit=settings.continue_limit,
        actions=settings.gpt_actions,
    )
    return Answers(
        turns=turns,
        running=RunningAnswers(metrics, settings.max_concurrent, aftermath),
        tokens=tokens,
        recorder=recorder,
        hiding=hiding,
    )


def _prompt_options(settings: Settings) -> PromptOptions:
    return PromptOptions(
        temporary=settings.history == "temporary",
        effort=settings.reasoning_effort,
        hints=settings.system_hints,
        fold=settings.prompt_form == "folded",
        text_file_bytes=settings.text_file_bytes,
    )
