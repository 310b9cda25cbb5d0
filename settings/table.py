"""The table of settings: name, default, parser and a sentence for operators, one field each.

docs/settings.md repeats the table; a test holds the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Literal

from accounts import KeyKind
from settings.parsers import (
    address_ranges,
    alias_pairs,
    any_text,
    bearer_key,
    fraction,
    header_pairs,
    http_address,
    key_name_pairs,
    number_per_key_kind,
    one_of,
    optional,
    pairs_text,
    path_prefix,
    port_or_none,
    redis_address,
    seconds,
    slug_choices,
    switch,
    switch_or_none,
    text_or_off,
    unit_pairs,
    web_origin,
    whole_number,
    words_of,
)
from settings.spec import setting
from translate.values import (
    ANY_GPT,
    CITATION_FORMS,
    DEFAULT_SLUGS,
    DEFAULT_UNITS,
    GPT_35_TURBO,
    LISTED_UNITS,
    REASONING_EFFORTS,
    STYLES,
    SYSTEM_HINTS,
    proxy_address,
)

MIB: Final = 1 << 20
GIB: Final = 1 << 30
HOUR: Final = 3600
DAY: Final = 24 * HOUR

ALIASES: Final[Mapping[str, str]] = {
    "gpt-4o-mini": "gpt-3.5-turbo",
    "gpt-3.5-turbo-*": "gpt-3.5-turbo",
    "gpt-4": "gpt-4-s",
    "gpt-4-turbo*": "gpt-4-s",
    "gpt-4-1106*": "gpt-4-s",
    "gpt-4-0125*": "gpt-4-s",
    "gpt-4-vision-preview": "gpt-4-s",
    "gpt-4o": "gpt-4-s",
    "chatgpt-4o-latest": "gpt-4-s",
    "dall-e-3": "gpt-4-s",
    "dall-e-2": "gpt-4-s",
    "gpt-image-*": "gpt-4-s",
    "tts-1*": "gpt-3.5-turbo",
    "gpt-4o-mini-tts*": "gpt-3.5-turbo",
    "claude-*haiku*": "gpt-3.5-turbo",
    "claude-*": "gpt-4-s",
}
"""Names that people type and front ends have. These ask small models for titles by themselves, which must not
cost what GPT-4 costs. A date behind a name need not be named."""
CONCURRENCY: Final[Mapping[KeyKind, int]] = {KeyKind.SHARE: 1, KeyKind.POOL: 4, KeyKind.TOKEN: 1}
"""The backend refuses a second message at the same time on one account (protocol notes, section 14.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsTable:
    """One attribute for each setting; an unset text is empty."""

    config_file: str = setting(
        "CONFIG_FILE",
        "",
        any_text,
        "TOML file with settings, under these names; what the environment gives counts instead.",
    )
    base_url: str = setting(
        "BASE_URL",
        "",
        optional(http_address),
        "Address of the ChatGPT-web backend, for example of Pandora-Next in `proxy` mode.",
        may_hold_password=True,
    )
    proxy_api_prefix: str = setting(
        "PROXY_API_PREFIX",
        "",
        path_prefix,
        "The `proxy_api_prefix` of the backend, with which the path of each request to it begins.",
        secret=True,
    )
    upstream_proxy: str = setting(
        "UPSTREAM_PROXY",
        "",
        optional(proxy_address),
        "Proxy through which the backend is reached, as `http://proxy:3128`, `https://...` or "
        "`socks5://user:password@proxy:1080`; it looks up names itself. If unset, the backend is reached "
        "directly, whatever `HTTP_PROXY` says.",
        secret=True,
    )
    upload_base_url: str = setting(
        "UPLOAD_BASE_URL",
        "",
        optional(http_address),
        "Address under which users reach this service; links to pictures and files begin with it. "
        "If unset, they begin with the address that the request was sent to.",
        may_hold_password=True,
    )
    key_for_gpts_info: str = setting(
        "KEY_FOR_GPTS_INFO",
        "",
        optional(bearer_key),
        "Key with which the descriptions of GPTs are fetched; if unset, the key of the first caller who "
        "uses a GPT.",
        secret=True,
    )
    gpts_file: str = setting(
        "GPTS_FILE",
        "",
        any_text,
        "File that lists the GPTs to offer; if unset, `gpts.json` beside `server.py`, or in the directory "
        "where the installed `pandora-to-v1` is started.",
    )
    accounts_file: str = setting(
        "ACCOUNTS_FILE",
        "",
        any_text,
        "File that names accounts of the backend, and the keys of this service that may use them; if unset, "
        "`accounts.json` beside `server.py`, or in the directory where the installed `pandora-to-v1` is "
        "started, if it is there.",
    )
    passthrough: bool | None = setting(
        "PASSTHROUGH",
        "",
        switch_or_none,
        "Whether keys that are none of this service are passed on to the backend, as the callers' own; if "
        "unset, only without that file.",
    )
    pool_policy: Literal["balance", "fill", "round-robin"] = setting(
        "POOL_POLICY",
        "balance",
        one_of("balance", "fill", "round-robin"),
        "Which of several accounts takes a message: `balance` the one with most left, `fill` the first of "
        "the file that has something left, `round-robin` the one that was used longest ago.",
    )
    allow_any_gpt: bool = setting(
        "ALLOW_ANY_GPT",
        "false",
        switch,
        f"Whether callers may use any GPT by its id, as model `{ANY_GPT.name}-g-...`, without an entry in "
        "that file.",
    )
    host: str = setting("HOST", "127.0.0.1", any_text, "Address to listen on.")
    port: int = setting("PORT", "33333", whole_number(0, 65535), "Port to listen on; 0 takes any free port.")
    reuse_port: bool = setting(
        "REUSE_PORT",
        "false",
        switch,
        "Whether the next process may listen on the same port before this one stops, so that a restart "
        "refuses nobody.",
    )
    metrics_port: int | None = setting(
        "METRICS_PORT",
        "",
        port_or_none,
        "Port that serves `/metrics` and nothing else, 0 for any free one; if unset, `/metrics` is on PORT.",
    )
    metrics_token: str = setting(
        "METRICS_TOKEN",
        "",
        optional(bearer_key),
        "Bearer token that a scraper of `/metrics` must send; if unset, none.",
        secret=True,
    )
    state_dir: str = setting(
        "STATE_DIR",
        "state",
        any_text,
        "Directory for stored pictures and files, caches and the ledger; it is created if it is missing.",
    )
    api_prefix: str = setting(
        "API_PREFIX",
        "",
        path_prefix,
        "Serves the API under `/<prefix>/v1/...` instead of `/v1/...`.",
        secret=True,
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "LOG_LEVEL",
        "info",
        one_of("debug", "info", "warning", "error"),
        "The least severe log lines that are written: `debug`, `info`, `warning` or `error`.",
    )
    log_format: Literal["text", "json"] = setting(
        "LOG_FORMAT",
        "text",
        one_of("text", "json"),
        "Form of log lines: `text` for people, `json` for programs.",
    )
    log_file: str = setting(
        "LOG_FILE",
        "",
        any_text,
        "File that gets the log in addition to the standard output; it is rotated at 10 MiB, and five old "
        "files are kept.",
    )
    traces: Literal["off", "otlp"] = setting(
        "TRACES",
        "off",
        one_of("off", "otlp"),
        "Whether requests are traced: `otlp` sends spans to a collector of OpenTelemetry, by OTLP over HTTP.",
    )
    otel_exporter_otlp_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "http://localhost:4318",
        http_address,
        "Base address of that collector; `/v1/traces` is added to it.",
        may_hold_password=True,
    )
    otel_exporter_otlp_headers: Mapping[str, str] = setting(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "",
        header_pairs,
        "Headers for that collector, as `name=value`, separated by commas; values may be URL-encoded.",
        secret=True,
    )
    otel_service_name: str = setting(
        "OTEL_SERVICE_NAME", "pandora-to-v1", any_text, "The name under which traces show this service."
    )
    otel_traces_sampler: Literal[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ] = setting(
        "OTEL_TRACES_SAMPLER",
        "parentbased_always_on",
        one_of(
            "always_on",
            "always_off",
            "traceidratio",
            "parentbased_always_on",
            "parentbased_always_off",
            "parentbased_traceidratio",
        ),
        "Which requests are traced: `always_on`, `always_off`, `traceidratio` (a share of them), or with "
        "`parentbased_` before it as the client's `traceparent` says, and so where there is none.",
    )
    otel_traces_sampler_arg: float = setting(
        "OTEL_TRACES_SAMPLER_ARG",
        "1",
        fraction,
        "The share of requests that are traced, from 0 to 1, for the samplers that end with `traceidratio`.",
    )
    record: Literal["off", "unknown", "failed", "all"] = setting(
        "RECORD",
        "off",
        one_of("off", "unknown", "failed", "all"),
        "Which turns are recorded in `STATE_DIR/recordings`, without what was said in them: `unknown` those "
        "with something that is not understood, `failed` also those that failed, `all` all.",
    )
    cors_origin: str = setting(
        "CORS_ORIGIN",
        "*",
        web_origin,
        "The web origin whose pages may call this service from a browser; `*` for any.",
    )
    model_aliases: Mapping[str, str] = setting(
        "MODEL_ALIASES",
        pairs_text(ALIASES),
        alias_pairs,
        "Further names of models, as `name=model`, separated by commas; `*` in a name matches any "
        "characters. Behind the model may stand words, as `name=model:plain:search:high`: a style, an "
        "effort, hints.",
    )
    side_model: str = setting(
        "SIDE_MODEL",
        GPT_35_TURBO.name,
        text_or_off,
        "The model that answers side requests, which chat front ends and agents send by themselves: titles, "
        "tags, follow-up questions, search queries, summaries, memory and completions. It does so where the "
        "key may use it, it is not dearer than the model asked for, and it can read all of the request; "
        "`off` for none.",
    )
    models: Literal["listed", "named"] = setting(
        "MODELS",
        "listed",
        one_of("listed", "named"),
        "Which models are offered: `listed` those named here, the GPTs, and what the backend lists for the "
        "caller's key; `named` without the backend's list.",
    )
    model_slugs: Mapping[str, tuple[str, ...]] = setting(
        "MODEL_SLUGS",
        pairs_text(DEFAULT_SLUGS),
        slug_choices(DEFAULT_SLUGS),
        "What each named model is called upstream, as `model=slug|slug`, separated by commas: the first that "
        "the backend lists for the key; the first of all if it lists nothing, the last if it lists none of "
        "them.",
    )
    style: str = setting(
        "STYLE",
        "web",
        one_of(*STYLES),
        "How answers look: `web` is Markdown and shows everything, `plain` is for chats that do not render "
        "Markdown, `text` is the prose alone.",
    )
    citations: str = setting(
        "CITATIONS",
        "host",
        one_of(*CITATION_FORMS),
        "How a page is cited in the style `web`: `host` as `([example.org](address))`, `number` as "
        "`[[1](address)]`, which some chats do not show as a link, `none` only in `annotations`.",
    )
    reasoning: bool = setting(
        "REASONING",
        "false",
        switch,
        "Whether the reasoning of a model is passed on, as `reasoning_content`.",
    )
    thinking_keepalive: bool = setting(
        "THINKING_KEEPALIVE",
        "false",
        switch,
        "Whether a stream that has said nothing for 45 seconds, and has no text yet, gets a short "
        "`reasoning_content`, for clients that would give up.",
    )
    reasoning_effort: str = setting(
        "REASONING_EFFORT",
        "",
        optional(one_of(*REASONING_EFFORTS)),
        "How long a model thinks if neither the request nor an alias says so: "
        + ", ".join(f"`{word}`" for word in REASONING_EFFORTS)
        + "; if unset, as the backend has it. Only models of which the backend lists efforts can be told.",
    )
    system_hints: tuple[str, ...] = setting(
        "SYSTEM_HINTS",
        "",
        words_of(*SYSTEM_HINTS),
        "What every conversation is asked to make use of, separated by commas: "
        + ", ".join(f"`{word}`" for word in SYSTEM_HINTS)
        + ".",
    )
    tools: Literal["emulate", "refuse"] = setting(
        "TOOLS",
        "emulate",
        one_of("emulate", "refuse"),
        "What becomes of `tools` and `response_format`, which the backend does not know: `emulate` asks the "
        "model in words and reads calls and JSON out of its answer, `refuse` ignores them, and refuses a "
        "forced call.",
    )
    prompt_form: Literal["messages", "folded"] = setting(
        "PROMPT_FORM",
        "messages",
        one_of("messages", "folded"),
        "How the history in a request is put to the backend: `messages` each as a message of its own, "
        "`folded` all before the last question in one text.",
    )
    text_file_bytes: int = setting(
        "TEXT_FILE_BYTES",
        "160000",
        whole_number(0, 1 << 30),
        "Bytes of a message's text above which all but its two ends is uploaded as a file, because the "
        "backend would refuse it; 0 for never.",
    )
    conversation_route: Literal["auto", "older"] = setting(
        "CONVERSATION_ROUTE",
        "auto",
        one_of("auto", "older"),
        "Where messages are posted: `auto` to `f/conversation` where the backend has it, else to "
        "`conversation`; `older` to `conversation` at once.",
    )
    image_links: Literal["store", "upstream"] = setting(
        "IMAGE_LINKS",
        "store",
        one_of("store", "upstream"),
        "Where links to pictures lead: `store` to a copy that this service keeps, `upstream` to the "
        "backend's own address, which expires soon.",
    )
    stream_annotations: bool = setting(
        "STREAM_ANNOTATIONS",
        "true",
        switch,
        "Whether the last chunk of a stream also carries the citations, as `annotations`; with "
        "`web_search_options` it always does.",
    )
    audio: bool = setting(
        "AUDIO",
        "false",
        switch,
        "Whether `/v1/audio/speech` and `/v1/audio/transcriptions` are there, for backends that have audio. "
        "Speech costs a conversation: a model repeats the text.",
    )
    history: Literal["keep", "hide", "temporary"] = setting(
        "HISTORY",
        "keep",
        one_of("keep", "hide", "temporary"),
        "What happens to a conversation in the account's list on the backend: `keep` leaves it there, "
        "`hide` removes it after the answer, or with `CONTINUITY=auto` once it has been quiet for a quarter "
        "of an hour (by hiding it, or by deleting it where the backend only offers that), `temporary` starts "
        "it as a temporary chat, which is never listed. In temporary chats the "
        "backend does no research and draws nothing: what a word of the model, a setting or an image route "
        "asks for is kept and hidden afterwards, but a picture asked for in the words of a message alone is "
        "not drawn, and the model says so.",
    )
    continuity: Literal["off", "auto"] = setting(
        "CONTINUITY",
        "auto",
        one_of("off", "auto"),
        "Whether a request whose history the backend has as a conversation goes on there, so that only what "
        "is new is posted, and sandboxes, files and pictures are still there: `auto` where that is sure, "
        "`off` never. With `HISTORY=temporary` it is off.",
    )
    continue_limit: int = setting(
        "CONTINUE_LIMIT",
        "3",
        whole_number(0, 20),
        "How many times a reply is continued that the backend ended at its length limit; each time costs "
        "another conversation.",
    )
    gpt_actions: Literal["ask", "allow", "always"] = setting(
        "GPT_ACTIONS",
        "ask",
        one_of("ask", "allow", "always"),
        "When a GPT asks for permission to call a host: `ask` ends the answer with a note that says so, "
        "`allow` permits this call, `always` permits this and all later calls.",
    )
    fetch_urls: bool = setting(
        "FETCH_URLS",
        "true",
        switch,
        "Whether pictures and files that a message gives by URL are fetched.",
    )
    fetch_proxy: str = setting(
        "FETCH_PROXY",
        "",
        optional(proxy_address),
        "Proxy through which these are fetched, which is told addresses that were looked up and checked "
        "here. If unset, they are fetched directly, whatever `UPSTREAM_PROXY` and the proxies of accounts "
        "are.",
        secret=True,
    )
    max_image_pixels: int = setting(
        "MAX_IMAGE_PIXELS",
        "50000000",
        whole_number(1, 10**9),
        "Largest picture in a message, in pixels (width times height).",
    )
    media_max_file_bytes: int = setting(
        "MEDIA_MAX_FILE_BYTES",
        str(50 * MIB),
        whole_number(1024, 1 << 32),
        "Largest picture or file that is fetched, uploaded or stored. One inside a request must also fit "
        "into MAX_BODY_BYTES, where its encoding takes a third more.",
    )
    media_max_total_bytes: int = setting(
        "MEDIA_MAX_TOTAL_BYTES",
        str(2 * GIB),
        whole_number(1024, 1 << 44),
        "Size of `STATE_DIR/media` above which the oldest files are deleted.",
    )
    media_max_age: float = setting(
        "MEDIA_MAX_AGE",
        str(7 * DAY),
        seconds(0, 10**9),
        "Seconds after which a stored file is deleted; 0 keeps files until their total size is too large.",
    )
    files_max_total_bytes: int = setting(
        "FILES_MAX_TOTAL_BYTES",
        str(GIB),
        whole_number(0, 1 << 44),
        "Size of `STATE_DIR/uploads`, where files of `/v1/files` are kept, above which no more are taken. "
        "One key may have a quarter of it. 0: there is no `/v1/files`.",
    )
    files_max_age: float = setting(
        "FILES_MAX_AGE",
        str(30 * DAY),
        seconds(0, 10**9),
        "Seconds after which such a file is deleted; 0 keeps it until the client deletes it.",
    )
    connect_timeout: float = setting(
        "CONNECT_TIMEOUT", "10", seconds(0.1, 300), "Seconds that connecting to the backend may take."
    )
    first_byte_timeout: float = setting(
        "FIRST_BYTE_TIMEOUT",
        "120",
        seconds(0.1, 3600),
        "Seconds that the backend may take until its answer begins.",
    )
    idle_timeout: float = setting(
        "IDLE_TIMEOUT",
        "120",
        seconds(0.1, 3600),
        "Seconds that the backend may send nothing within an answer.",
    )
    total_timeout: float = setting(
        "TOTAL_TIMEOUT", "0", seconds(0, 86400), "Seconds that a whole answer may take; 0 for no limit."
    )
    pro_timeout: float = setting(
        "PRO_TIMEOUT",
        "1800",
        seconds(0, 86400),
        "Seconds that a pro model may think after its stream has ended; 0 does not wait.",
    )
    picture_timeout: float = setting(
        "PICTURE_TIMEOUT",
        "300",
        seconds(0, 86400),
        "Seconds to wait for a picture that is drawn after the stream has ended; 0 answers where it is drawn "
        "and does not wait.",
    )
    research_timeout: float = setting(
        "RESEARCH_TIMEOUT",
        "3600",
        seconds(0, 86400),
        "Seconds to wait for the report of a research; 0 answers where it runs and does not wait.",
    )
    write_timeout: float = setting(
        "WRITE_TIMEOUT",
        "300",
        seconds(0.1, 86400),
        "Seconds that a client may read nothing before it is disconnected.",
    )
    stream_headers_after: float = setting(
        "STREAM_HEADERS_AFTER",
        "10",
        seconds(0.05, 60),
        "Seconds after which the headers of a stream are sent even if there is no content yet; only before "
        "that can a failure have an HTTP status of its own.",
        old_name="COMMIT_AFTER",
    )
    keepalive_interval: float = setting(
        "KEEPALIVE_INTERVAL",
        "12",
        seconds(0.05, 60),
        "Seconds without content after which a stream gets a comment line, which keeps the connection open.",
    )
    drain_timeout: float = setting(
        "DRAIN_TIMEOUT",
        "25",
        seconds(0, 3600),
        "Seconds that running answers may still take after SIGTERM.",
    )
    max_body_bytes: int = setting(
        "MAX_BODY_BYTES", str(32 * MIB), whole_number(1024, 1 << 30), "Largest request body."
    )
    max_buffered_bytes: int = setting(
        "MAX_BUFFERED_BYTES",
        str(96 * MIB),
        whole_number(1024, 1 << 40),
        "How many bytes of request bodies, with the pictures and files in them, are kept in memory at once; "
        "further requests get a 503. Half as many are for pictures and files that are fetched, decoded or "
        "downloaded, which wait for room; one of them, of up to MEDIA_MAX_FILE_BYTES, is let in beside that. "
        "At its worst the service needs 200 MiB, this twice, and that file twice.",
    )
    max_concurrent: int = setting(
        "MAX_CONCURRENT",
        "500",
        whole_number(1, 100_000),
        "How many answers may be in progress at once; further requests get a 503.",
    )
    max_connections: int = setting(
        "MAX_CONNECTIONS",
        "2000",
        whole_number(16, 1_000_000),
        "How many connections of clients may be open at once; further ones take the place of idle ones, or "
        "wait until they are accepted.",
    )
    key_concurrency: Mapping[KeyKind, int] = setting(
        "KEY_CONCURRENCY",
        pairs_text(CONCURRENCY),
        number_per_key_kind(CONCURRENCY),
        "How many messages of one key may be in progress at once, by kind of key, or one number for all "
        "kinds; further ones wait in a queue. 0 turns the queue off.",
    )
    queue_length: int = setting(
        "QUEUE_LENGTH",
        "100",
        whole_number(0, 100_000),
        "How many requests may wait for one key; further ones get a 429.",
    )
    queue_wait: float = setting(
        "QUEUE_WAIT",
        "120",
        seconds(0.05, 3600),
        "Seconds that a request may wait for its key; then it gets a 429.",
    )
    upstream_retries: int = setting(
        "UPSTREAM_RETRIES",
        "2",
        whole_number(0, 10),
        "How many times a message is sent again that failed and cannot have cost anything; 0 for never.",
        old_name="RETRIES",
    )
    retry_unclear: bool = setting(
        "RETRY_UNCLEAR",
        "false",
        switch,
        "Whether a message is also sent again after a failure that may have cost something: a connection "
        "that broke before any answer, or a 5xx that does not prove a refusal. Each attempt counts as spent.",
    )
    model_units: Mapping[str, int] = setting(
        "MODEL_UNITS",
        pairs_text(DEFAULT_UNITS),
        unit_pairs,
        f"Quota units of one conversation, by model; `{ANY_GPT.name}` stands for all GPTs that are not "
        f"named. A model that only the backend's list names costs {LISTED_UNITS} unless it is named here.",
        old_name="UNITS",
    )
    quota_per_day: int = setting(
        "QUOTA_PER_DAY",
        "0",
        whole_number(0, 10**9),
        "Quota units that all keys together may spend in a day; 0 for no limit.",
    )
    quota_per_key_per_day: int = setting(
        "QUOTA_PER_KEY_PER_DAY",
        "0",
        whole_number(0, 10**9),
        "Quota units that one key may spend in a day; 0 for no limit.",
    )
    quota_reset_hour: int = setting(
        "QUOTA_RESET_HOUR", "0", whole_number(0, 23), "Hour, in UTC, at which the quota of a new day begins."
    )
    gpt4_limit: int = setting(
        "GPT4_LIMIT",
        "0",
        whole_number(0, 10**6),
        "GPT-4 messages that one key may send within GPT4_WINDOW; 0 for no limit. `gpt-4-mobile` is not "
        "counted.",
    )
    gpt4_window: float = setting(
        "GPT4_WINDOW",
        str(3 * HOUR),
        seconds(1, 7 * DAY),
        "Length in seconds of the rolling window in which GPT-4 messages are counted.",
    )
    ledger_retention_days: int = setting(
        "LEDGER_RETENTION_DAYS",
        "400",
        whole_number(8, 100_000),
        "Days after which an entry of the ledger is deleted.",
    )
    responses_days: int = setting(
        "RESPONSES_DAYS",
        "30",
        whole_number(0, 3650),
        "Days for which responses of `/v1/responses` are kept, with what was asked, unless `store` is false, "
        "and conversations after their last change; 0 keeps none.",
    )
    redis_url: str = setting(
        "REDIS_URL",
        "",
        optional(redis_address),
        "A Redis, as `redis://host:6379/0`, or any node of a Redis cluster, as `redis+cluster://host:6379`, "
        "in which several instances share the ledger, kept responses, what conversations are found with, and "
        "the queues; if unset, all but the queues are files in STATE_DIR.",
        secret=True,
        old_name="STATE_URL",
    )
    key_aliases: Mapping[str, str] = setting(
        "KEY_ALIASES",
        "",
        key_name_pairs,
        "Names for keys in the ledger, as `name=key`, separated by commas; a key may be `token,account`. A "
        "key without a name appears as a short hash.",
        secret=True,
    )
    admin_token: str = setting(
        "ADMIN_TOKEN",
        "",
        optional(bearer_key),
        "Bearer token for whoever may see the usage of all keys. If unset, one is made and kept in "
        "`STATE_DIR/admin_token`, and requests from this machine that came through no proxy need none.",
        secret=True,
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = setting(
        "TRUSTED_PROXIES",
        "",
        address_ranges,
        "Addresses and networks of the proxies in front of this service, separated by commas; their "
        "`X-Forwarded-For` tells the address of a client, under which its refusals are counted.",
    )
    refusals_per_minute: int = setting(
        "REFUSALS_PER_MINUTE",
        "30",
        whole_number(0, 10**6),
        "How many keys that the backend does not accept one address may try in a minute, and how many "
        "unknown keys at once; further ones get a 429, keys accepted before do not. 0 for no limit.",
    )
    refused_key_seconds: float = setting(
        "REFUSED_KEY_SECONDS",
        "60",
        seconds(0, 60),
        "Seconds for which a key that the backend has refused gets a 401 without asking it again; 0 asks "
        "each time.",
    )
    licence_usage_url: str = setting(
        "LICENCE_USAGE_URL",
        "",
        optional(http_address),
        "Address at which the server of the backend's licence reports what was used; it is asked every ten "
        "minutes, and its figures appear beside those of the ledger.",
        secret=True,
    )
    error_note: bool = setting(
        "ERROR_NOTE",
        "true",
        switch,
        "Whether a stream that fails also says so in its text, for clients that ignore error events.",
    )
