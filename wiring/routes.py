"""What the routes work with."""

from access import AccessLimits, Admin, Doorkeeper
from activity import Activity
from catalogue import CallerModels
from handlers import AnswerParts, ChatOptions, Common, Emulation, Lasting, StreamTiming
from ledger import ChargeBook, KeyNames
from logs import RecentFailures
from metrics import Metrics
from roster import RosterWatcher
from runtime import ByteBudget
from settings import Settings
from tracing import Tracer
from translate.values import CitationForm, Style
from wiring.accounts import Accounts
from wiring.answers import Answers
from wiring.lasting import LastingStores

__all__ = ["answer_parts", "chat_options", "common_parts"]


def common_parts(
    settings: Settings,
    metrics: Metrics,
    charges: ChargeBook,
    accounts: Accounts,
    admin: Admin,
    room: ByteBudget,
    tracer: Tracer | None,
) -> Common:
    """What every route works with; `room` is for the bytes of pictures and files on their way."""
    return Common(
        metrics=metrics,
        charges=charges,
        pool=accounts.pool,
        doorkeeper=_doorkeeper(settings, metrics, charges, admin, accounts.roster),
        failures=RecentFailures(),
        activity=Activity(),
        cors_origin=settings.cors_origin,
        public_base=settings.upload_base_url,
        write_timeout=settings.write_timeout,
        max_body_bytes=settings.max_body_bytes,
        bodies=ByteBudget(settings.max_buffered_bytes),
        room=room,
        tracer=tracer,
    )


def answer_parts(
    settings: Settings, models: CallerModels, answers: Answers, lasting: LastingStores, keys: KeyNames
) -> AnswerParts:
    """What the routes of answers work with."""
    return AnswerParts(
        models=models,
        turns=answers.turns,
        running=answers.running,
        timing=StreamTiming(
            headers_after=settings.stream_headers_after,
            keepalive_interval=settings.keepalive_interval,
            write_timeout=settings.write_timeout,
        ),
        emulation=Emulation(enabled=settings.tools == "emulate"),
        lasting=Lasting(lasting.table, keys) if lasting.table is not None else None,
    )


def chat_options(settings: Settings) -> ChatOptions:
    """The form of chat answers."""
    return ChatOptions(
        style=Style(settings.style),
        citations=CitationForm(settings.citations),
        reasoning=settings.reasoning,
        thinking_keepalive=settings.thinking_keepalive,
        stream_annotations=settings.stream_annotations,
        error_note=settings.error_note,
        side_model=settings.side_model,
    )


def _doorkeeper(
    settings: Settings, metrics: Metrics, charges: ChargeBook, admin: Admin, roster: RosterWatcher
) -> Doorkeeper:
    limits = AccessLimits(
        refused_seconds=settings.refused_key_seconds,
        refusals_per_minute=settings.refusals_per_minute,
        trusted_proxies=settings.trusted_proxies,
    )
    return Doorkeeper(
        limits,
        metrics,
        charges.knows,
        admin,
        roster=lambda: roster.current,
        passes_on=settings.passthrough,
    )
