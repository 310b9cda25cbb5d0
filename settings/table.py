"""All settings, in one typed place: environment variables, and files for the secrets.

A malformed or contradictory setting raises SettingsError with one line that says what to change. A
secret NAME can be given as NAME_FILE, the path of a file that holds it.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from settings.parsers import (
    Parser,
    aliases,
    choice,
    concurrency,
    integer,
    key,
    key_names,
    origin,
    prefix,
    redis_url,
    seconds,
    switch,
    text,
    units,
    url,
)


class SettingsError(ValueError):
    """What is wrong with which setting, and what to write instead, in one line."""


def _setting(name: str, default: str, parse: Parser, sentence: str, secret: bool = False) -> Any:
    metadata = {"name": name, "default": default, "parse": parse, "sentence": sentence, "secret": secret}
    return field(metadata=metadata)


DEFAULT_ALIASES = (
    "gpt-4o-mini=gpt-3.5-turbo,gpt-3.5-turbo-*=gpt-3.5-turbo,"
    "dall-e-3=gpt-4-s,dall-e-2=gpt-4-s,gpt-image-*=gpt-4-s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings as the service uses them; an unset text is empty."""

    base_url: str = _setting(
        "BASE_URL", "", url, "Address of the ChatGPT-web backend, for example Pandora-Next in proxy mode."
    )
    proxy_api_prefix: str = _setting(
        "PROXY_API_PREFIX", "", prefix, "The backend's `proxy_api_prefix`.", secret=True
    )
    upload_base_url: str = _setting(
        "UPLOAD_BASE_URL", "", url, "Address under which users reach this service, for links to images."
    )
    key_for_gpts_info: str = _setting(
        "KEY_FOR_GPTS_INFO", "", key, "Key with which the description of each GPT is fetched.", secret=True
    )
    gpts_file: str = _setting(
        "GPTS_FILE", "", text, "The list of GPTs; if unset, the `gpts.json` beside `server.py`."
    )
    allow_any_gpt: bool = _setting(
        "ALLOW_ANY_GPT",
        "false",
        switch,
        "Whether every GPT can be used by its id, as `gpt-4-gizmo-g-...`, without an entry in the list.",
    )
    host: str = _setting("HOST", "127.0.0.1", text, "Address to listen on.")
    port: int = _setting("PORT", "33333", integer(0, 65535), "Port to listen on; 0 takes a free one.")
    state_dir: str = _setting(
        "STATE_DIR", "state", text, "Directory where images, caches and state live; made when needed."
    )
    api_prefix: str = _setting(
        "API_PREFIX", "", prefix, "Puts the API under `/<prefix>/v1/...`.", secret=True
    )
    log_level: str = _setting(
        "LOG_LEVEL", "info", choice("debug", "info", "warning", "error"), "How much is logged."
    )
    log_format: str = _setting(
        "LOG_FORMAT", "text", choice("text", "json"), "Log lines for people, or JSON for machines."
    )
    log_file: str = _setting(
        "LOG_FILE",
        "",
        text,
        "A file that gets the log too; it is rotated at 10 MiB, five old ones are kept.",
    )
    cors_origin: str = _setting(
        "CORS_ORIGIN", "*", origin, "The web origin that may call from a browser; `*` for any."
    )
    model_aliases: tuple[tuple[str, str], ...] = _setting(
        "MODEL_ALIASES",
        DEFAULT_ALIASES,
        aliases,
        "Further names of models, `name=model` or `name=model:style` with commas between; "
        "`*` in a name matches anything.",
    )
    style: str = _setting(
        "STYLE",
        "web",
        choice("web", "plain", "text"),
        "How answers look: `web` in markdown with everything, `plain` for bots without markdown, "
        "`text` the prose alone.",
    )
    reasoning: bool = _setting(
        "REASONING",
        "false",
        switch,
        "Whether what a model thinks before it answers is passed on, as `reasoning_content`.",
    )
    image_links: str = _setting(
        "IMAGE_LINKS",
        "store",
        choice("store", "upstream"),
        "Where links to pictures lead: to a copy kept here, or to the backend's own short-lived address.",
    )
    stream_annotations: bool = _setting(
        "STREAM_ANNOTATIONS",
        "false",
        switch,
        "Whether citations are also sent as `annotations` on the last chunk of a stream.",
    )
    history: str = _setting(
        "HISTORY",
        "keep",
        choice("keep", "hide", "temporary"),
        "What becomes of a conversation on the backend: kept, hidden after the answer, or never listed.",
    )
    continue_limit: int = _setting(
        "CONTINUE_LIMIT",
        "3",
        integer(0, 20),
        "How often a reply that was cut by length is continued; each time costs another conversation.",
    )
    gpt_actions: str = _setting(
        "GPT_ACTIONS",
        "ask",
        choice("ask", "allow", "always"),
        "When a GPT asks whether it may call a host: stop and say so, allow it once, or always.",
    )
    fetch_urls: bool = _setting(
        "FETCH_URLS",
        "true",
        switch,
        "Whether what a message gives by address is fetched for it.",
    )
    max_image_pixels: int = _setting(
        "MAX_IMAGE_PIXELS",
        "50000000",
        integer(1, 10**9),
        "Largest picture of a message, in pixels.",
    )
    media_max_file_bytes: int = _setting(
        "MEDIA_MAX_FILE_BYTES",
        str(50 << 20),
        integer(1024, 1 << 32),
        "Largest picture or file that is fetched, uploaded or kept here; one inside a request must fit into "
        "MAX_BODY_BYTES too, a quarter of which goes to its encoding.",
    )
    media_max_total_bytes: int = _setting(
        "MEDIA_MAX_TOTAL_BYTES",
        str(2 << 30),
        integer(1024, 1 << 44),
        "How much is kept under `STATE_DIR/media`; above it the oldest files go.",
    )
    media_max_age: float = _setting(
        "MEDIA_MAX_AGE",
        str(7 * 86400),
        seconds(0, 10**9),
        "Seconds after which a kept file goes; 0 keeps it until room is needed.",
    )
    connect_timeout: float = _setting(
        "CONNECT_TIMEOUT", "10", seconds(0.1, 300), "Limit for reaching the backend."
    )
    first_byte_timeout: float = _setting(
        "FIRST_BYTE_TIMEOUT", "120", seconds(0.1, 3600), "Limit for the backend's first sign of an answer."
    )
    idle_timeout: float = _setting(
        "IDLE_TIMEOUT", "120", seconds(0.1, 3600), "Limit for silence of the backend within an answer."
    )
    total_timeout: float = _setting(
        "TOTAL_TIMEOUT", "0", seconds(0, 86400), "Limit for a whole answer; 0 for none."
    )
    write_timeout: float = _setting(
        "WRITE_TIMEOUT",
        "300",
        seconds(0.1, 86400),
        "How long a client may stop reading before it is cut off.",
    )
    stream_headers_after: float = _setting(
        "STREAM_HEADERS_AFTER",
        "10",
        seconds(0.05, 60),
        "When to send a stream's headers at the latest; until then a failure gets its true status.",
    )
    keepalive_interval: float = _setting(
        "KEEPALIVE_INTERVAL", "12", seconds(0.05, 60), "Pause in a stream after which a comment is sent."
    )
    drain_timeout: float = _setting(
        "DRAIN_TIMEOUT", "25", seconds(0, 3600), "How long running answers may go on after SIGTERM."
    )
    max_body_bytes: int = _setting(
        "MAX_BODY_BYTES", str(32 << 20), integer(1024, 1 << 30), "Largest request body."
    )
    max_concurrent: int = _setting(
        "MAX_CONCURRENT", "500", integer(1, 100_000), "Answers in flight; further requests get a 503."
    )
    key_concurrency: tuple[tuple[str, int], ...] = _setting(
        "KEY_CONCURRENCY",
        "fk=1,pk=4,token=1",
        concurrency,
        "Messages that one key has under way at once, by its kind; further ones wait. 0 for no queue.",
    )
    queue_length: int = _setting(
        "QUEUE_LENGTH", "100", integer(0, 100_000), "How many may wait for one key; further ones get a 429."
    )
    queue_wait: float = _setting(
        "QUEUE_WAIT", "120", seconds(0.05, 3600), "How long one may wait for its key; then it gets a 429."
    )
    upstream_retries: int = _setting(
        "UPSTREAM_RETRIES",
        "2",
        integer(0, 10),
        "How often a message that cannot have cost anything is sent again when it fails; 0 for never.",
    )
    model_units: tuple[tuple[str, int], ...] = _setting(
        "MODEL_UNITS",
        "gpt-4-s=14,gpt-4-mobile=14,gpt-3.5-turbo=4,gpt-4-gizmo=14",
        units,
        "Quota units of a conversation, by model; `gpt-4-gizmo` is for GPTs without an entry of their own.",
    )
    quota_per_day: int = _setting(
        "QUOTA_PER_DAY", "0", integer(0, 10**9), "Quota units that all keys may spend a day; 0 for no limit."
    )
    quota_per_key_per_day: int = _setting(
        "QUOTA_PER_KEY_PER_DAY",
        "0",
        integer(0, 10**9),
        "Quota units that one key may spend a day; 0 for no limit.",
    )
    quota_reset_hour: int = _setting(
        "QUOTA_RESET_HOUR", "0", integer(0, 23), "Hour, in UTC, at which a day of quota begins."
    )
    gpt4_limit: int = _setting(
        "GPT4_LIMIT",
        "0",
        integer(0, 10**6),
        "GPT-4 messages, `gpt-4-mobile` apart, that one key may send within GPT4_WINDOW; 0 for no limit.",
    )
    gpt4_window: float = _setting(
        "GPT4_WINDOW", "10800", seconds(1, 7 * 86400), "Seconds of the rolling window of GPT-4 messages."
    )
    ledger_retention_days: int = _setting(
        "LEDGER_RETENTION_DAYS", "400", integer(8, 100_000), "Days for which the ledger keeps its entries."
    )
    redis_url: str = _setting(
        "REDIS_URL",
        "",
        redis_url,
        "A Redis, as `redis://host:6379/0`, that keeps the ledger and the queues of several instances; "
        "if unset, the ledger is a file in STATE_DIR.",
        secret=True,
    )
    key_aliases: tuple[tuple[str, str], ...] = _setting(
        "KEY_ALIASES",
        "",
        key_names,
        "Names for keys in the ledger, `name=key` with commas between; other keys get a short hash.",
        secret=True,
    )
    admin_token: str = _setting(
        "ADMIN_TOKEN",
        "",
        key,
        "The bearer token to see the usage of all keys; if unset, this machine sees it without one.",
        secret=True,
    )
    licence_usage_url: str = _setting(
        "LICENCE_USAGE_URL",
        "",
        url,
        "Where the backend's licence tells what was used; asked every ten minutes, shown beside our count.",
        secret=True,
    )
    error_note: bool = _setting(
        "ERROR_NOTE",
        "true",
        switch,
        "Whether a stream that fails says so in its text too, for clients that ignore error events.",
    )

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read ``env``. Raises SettingsError."""
        values = {item.name: _read(item.metadata, env) for item in fields(cls)}
        settings = cls(**cast(dict[str, Any], values))
        settings._check()
        return settings

    @classmethod
    def help(cls) -> str:
        """A text that lists the settings: name, default, sentence."""
        lines = []
        for item in fields(cls):
            data = item.metadata
            name = data["name"] + (f" (or {data['name']}_FILE)" if data["secret"] else "")
            default = f" Default: {data['default']}." if data["default"] else ""
            lines.append(f"  {name}\n      {data['sentence']}{default}")
        return "\n".join(lines)

    def summary(self) -> dict[str, object]:
        """Name to value as in effect, secrets masked."""
        return {
            item.metadata["name"]: ("***" if value else "") if item.metadata["secret"] else value
            for item in fields(self)
            for value in (getattr(self, item.name),)
        }

    def _check(self) -> None:
        if self.stream_headers_after > self.first_byte_timeout:
            raise SettingsError(
                "STREAM_HEADERS_AFTER must not exceed FIRST_BYTE_TIMEOUT: lower the one or raise the other."
            )
        if self.total_timeout and self.total_timeout < self.first_byte_timeout:
            raise SettingsError(
                "TOTAL_TIMEOUT must be 0 or at least FIRST_BYTE_TIMEOUT: raise the one or lower the other."
            )
        if self.media_max_total_bytes < self.media_max_file_bytes:
            raise SettingsError(
                "MEDIA_MAX_TOTAL_BYTES must not be below MEDIA_MAX_FILE_BYTES: raise it or lower the other."
            )
        if re.search(r"/(backend-api|v1)$", self.base_url):
            raise SettingsError("BASE_URL must be the backend's root: leave out the /backend-api or /v1.")


def _read(data: Mapping[str, Any], env: Mapping[str, str]) -> object:
    name, parse = data["name"], data["parse"]
    raw = env.get(name, "").strip()
    path = env.get(f"{name}_FILE", "").strip()
    if path and not data["secret"]:
        raise SettingsError(f"{name}_FILE is set, but only secrets are read from files: set {name} itself.")
    if path and raw:
        raise SettingsError(f"{name} and {name}_FILE are both set: keep one of them.")
    if path:
        raw = _read_file(name, path)
        if not raw:
            raise SettingsError(f"{name}_FILE names an empty file: {path}")
    text = raw or data["default"]
    if not text and parse not in (aliases, key_names):
        return ""
    try:
        return parse(text)
    except ValueError as error:
        # An address may hold a password, so it is not repeated either.
        shown = "is not valid" if data["secret"] or parse is url else f"is {text[:80]!r}"
        raise SettingsError(f"{name} {shown}: it must be {error}.") from None


def _read_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no text"
        raise SettingsError(f"{name}_FILE cannot be read ({reason}): {path}") from None
