"""What asks the backend."""

from dataclasses import dataclass
from typing import Final

from settings import Settings, SettingsError
from transport import Proxy
from upstream import (
    AccountSockets,
    ConversationClient,
    FollowLimits,
    HttpClient,
    Paces,
    SocketLimits,
    Timeouts,
)
from upstream.account import AccountLimits, ModelLists
from upstream.files import BackendFiles

__all__ = ["PROGRESS_SECONDS", "Backend", "http_client", "make_backend", "proxy"]

PROGRESS_SECONDS: Final = 600.0
"""How long the backend may send pings and nothing else; drawing and long programs take minutes."""


@dataclass(frozen=True, slots=True)
class Backend:
    """What asks the backend; `lists` is None if nothing depends on the models that it lists."""

    http: HttpClient
    conversations: ConversationClient
    limits: AccountLimits
    lists: ModelLists | None
    files: BackendFiles


def make_backend(
    settings: Settings, progress_timeout: float, socket_limits: SocketLimits, paces: Paces
) -> Backend:
    """Make what asks the backend; nothing is asked yet. Raises SettingsError."""
    http = http_client(settings, progress_timeout)
    follow_limits = FollowLimits(
        research=settings.research_timeout,
        pro=settings.pro_timeout,
        picture=settings.picture_timeout,
        paces=paces,
    )
    conversations = ConversationClient(
        http,
        AccountSockets(http, socket_limits),
        follow_limits=follow_limits,
        of_today=settings.conversation_route == "auto",
    )
    return Backend(
        http=http,
        conversations=conversations,
        limits=AccountLimits(http),
        lists=_model_lists(settings, http),
        files=BackendFiles(http, max_bytes=settings.media_max_file_bytes),
    )


def http_client(settings: Settings, progress_timeout: float) -> HttpClient:
    """The client of the backend; `progress_timeout` is in seconds. Raises SettingsError."""
    timeouts = Timeouts(
        connect=settings.connect_timeout,
        first_byte=settings.first_byte_timeout,
        idle=settings.idle_timeout,
        total=settings.total_timeout,
        progress=progress_timeout,
    )
    try:
        return HttpClient(
            base_url=settings.base_url,
            prefix=settings.proxy_api_prefix,
            timeouts=timeouts,
            max_clients=settings.max_concurrent * 2 + 100,
            proxy=proxy(settings.upstream_proxy),
        )
    except ValueError as error:
        raise SettingsError(f"BASE_URL or PROXY_API_PREFIX is not usable: {error}.") from None


def proxy(address: str) -> Proxy | None:
    """The proxy at an address of the settings; None for an empty one."""
    return Proxy.parse(address) if address else None


def _model_lists(settings: Settings, http: HttpClient) -> ModelLists | None:
    """What asks the backend for its models, if anything depends on that."""
    has_choice = any(len(slugs) > 1 for slugs in settings.model_slugs.values())
    return ModelLists(http) if settings.models == "listed" or has_choice else None
