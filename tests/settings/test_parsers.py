"""From the text of each setting to its value: what is accepted, and what is refused in one line."""

from ipaddress import ip_network

import pytest

from accounts import KeyKind
from settings import Settings
from settings.parsers import number_per_key_kind, pairs_text
from settings.spec import specs_of
from tests.settings.refusal import refusal
from translate.values import DEFAULT_SLUGS

NAMES = [spec.name for spec in specs_of(Settings).values()]
ATTRIBUTES = {spec.name: attribute for attribute, spec in specs_of(Settings).items()}

GOOD: dict[str, dict[str, object]] = {
    "BASE_URL": {
        "http://127.0.0.1:8181": "http://127.0.0.1:8181",
        "https://proxy.example.com/": "https://proxy.example.com",
        "http://[::1]:8181/deep/": "http://[::1]:8181/deep",
    },
    "PROXY_API_PREFIX": {"abcd1234": "abcd1234", "/abcd1234/": "abcd1234", "a/b-c.d_e~f": "a/b-c.d_e~f"},
    "METRICS_PORT": {"0": 0, "9464": 9464, "": None},
    "PASSTHROUGH": {"": None, "true": True, "Off": False},
    "POOL_POLICY": {"": "balance", "Fill": "fill", "round-robin": "round-robin"},
    "PORT": {"0": 0, "65535": 65535, " 8080 ": 8080},
    "CONNECT_TIMEOUT": {"5": 5.0, "0.5": 0.5},
    "TOTAL_TIMEOUT": {"0": 0.0, "600": 600.0},
    "ERROR_NOTE": {"true": True, "ON": True, "1": True, "Yes": True, "off": False, "0": False, "No": False},
    "LOG_LEVEL": {"DEBUG": "debug", "warning": "warning"},
    "CORS_ORIGIN": {"*": "*", "https://chat.example.com": "https://chat.example.com"},
    "MODEL_ALIASES": {
        "a=gpt-4-s": {"a": "gpt-4-s"},
        " a = gpt-4-s , b*=gpt-4-s:plain ,": {"a": "gpt-4-s", "b*": "gpt-4-s:plain"},
        ",": {},
    },
    "SIDE_MODEL": {"": "gpt-3.5-turbo", "gpt-5-mini": "gpt-5-mini", "Off": ""},
    "REASONING_EFFORT": {"": "", "High": "high"},
    "SYSTEM_HINTS": {"": (), " Search , canvas ": ("search", "canvas")},
    "TOOLS": {"refuse": "refuse"},
    "PROMPT_FORM": {"folded": "folded"},
    "CONVERSATION_ROUTE": {"auto": "auto", "older": "older"},
    "MODELS": {"named": "named", "Listed": "listed"},
    "MODEL_SLUGS": {
        "": DEFAULT_SLUGS,
        "gpt-4-s=gpt-6": {**DEFAULT_SLUGS, "gpt-4-s": ("gpt-6",)},
        " gpt-4-s = gpt-6 | auto ,": {**DEFAULT_SLUGS, "gpt-4-s": ("gpt-6", "auto")},
    },
    "MODEL_UNITS": {"gpt-4-s=14": {"gpt-4-s": 14}, " a = 0 ,a=b=3": {"a": 0, "a=b": 3}},
    "UPSTREAM_PROXY": {
        "http://proxy:3128": "http://proxy:3128",
        "socks5://me:pw@[::1]": "socks5://me:pw@[::1]",
        "https://proxy/": "https://proxy/",
    },
    "FETCH_PROXY": {"": "", "socks5h://me:pw@proxy": "socks5h://me:pw@proxy"},
    "REDIS_URL": {
        address: address
        for address in (
            "redis://redis:6379/0",
            "rediss://:pw@[::1]",
            "redis+cluster://redis:6379",
            "rediss+cluster://:pw@redis/0",
        )
    },
    "KEY_ALIASES": {
        "alice=fk-1, bob=x=y": {"fk-1": "alice", "x=y": "bob"},
        "alice=fk-1,alice=fk-2": {"fk-1": "alice", "fk-2": "alice"},
        "alice=eyJ.x,acc-1,bob=fk-2": {"eyJ.x,acc-1": "alice", "fk-2": "bob"},
        "": {},
    },
    "OTEL_EXPORTER_OTLP_HEADERS": {
        "": {},
        "authorization=Bearer%20a%2Cb, x-team = chat ,": {"authorization": "Bearer a,b", "x-team": "chat"},
        "authorization=Basic eA==": {"authorization": "Basic eA=="},
    },
    "OTEL_TRACES_SAMPLER_ARG": {"": 1.0, "0": 0.0, "0.25": 0.25, "1.0": 1.0},
    "TRUSTED_PROXIES": {
        "": (),
        "127.0.0.1, ::1": (ip_network("127.0.0.1"), ip_network("::1")),
        "172.16.0.0/12,fc00::/7": (ip_network("172.16.0.0/12"), ip_network("fc00::/7")),
    },
    "KEY_CONCURRENCY": {
        "0": {"fk": 0, "pk": 0, "token": 0},
        "pk=8": {"fk": 1, "pk": 8, "token": 1},
        " token=2 , fk = 3 ": {"fk": 3, "pk": 4, "token": 2},
    },
}


@pytest.mark.parametrize(
    ("name", "given", "meant"), [(n, g, m) for n, cases in GOOD.items() for g, m in cases.items()]
)
def test_value_is_read_as_meant(name: str, given: str, meant: object) -> None:
    assert getattr(Settings.from_env({name: given}), ATTRIBUTES[name]) == meant


NUMBER = ["ten", "-1", "1e3", "0x10", "１２", "inf", "nan", "1 2", "99999999999999"]
SWITCH = ["2", "maybe", "tru"]
ADDRESS = ["127.0.0.1:8181", "ftp://x", "http://", "http://x:port", "http://x:99999", "http://[::1", "//x",
           "http://user:pass@x", "http://x?a=b", "http://x/#f", "localhost"]  # fmt: skip
PREFIX = ["a b", "a//b", "ä", "a?b", "<a>"]
BAD: dict[str, list[str]] = {
    "BASE_URL": ADDRESS,
    "UPLOAD_BASE_URL": ADDRESS,
    "PROXY_API_PREFIX": PREFIX,
    "API_PREFIX": PREFIX,
    "KEY_FOR_GPTS_INFO": ["two keys", "schlüssel", "a\nb"],
    "PASSTHROUGH": SWITCH,
    "POOL_POLICY": ["fair", "round_robin"],
    "ALLOW_ANY_GPT": SWITCH,
    "AUDIO": SWITCH,
    "RECORD": ["some", "true"],
    "TRACES": ["on", "jaeger"],
    "OTEL_EXPORTER_OTLP_ENDPOINT": ADDRESS,
    "OTEL_EXPORTER_OTLP_HEADERS": ["token", "a b=c", "=c", "a=", "a=b%0Ac", "a=%E4%BD%A0", "ä=b", "a=ü"],
    "OTEL_TRACES_SAMPLER": ["jaeger_remote", "0.1"],
    "OTEL_TRACES_SAMPLER_ARG": [*NUMBER, "1.1", "2", ".5", "10%"],
    "METRICS_PORT": [*NUMBER, "65536"],
    "METRICS_TOKEN": ["two words", "schlüssel"],
    "PORT": [*NUMBER, "65536", "80.5"],
    "REUSE_PORT": SWITCH,
    "LOG_LEVEL": ["verbose", "debug,info"],
    "LOG_FORMAT": ["xml"],
    "CORS_ORIGIN": ["chat.example.com", "https://a, https://b", "https://a/path", "https://*.a"],
    "MODEL_ALIASES": ["gpt-4", "=gpt-4-s", "a=", "a=b,c"],
    "MODELS": ["all"],
    "MODEL_SLUGS": ["gpt-4-s", "gpt-4-s=", "gpt-9=gpt-6", "gpt-4-s=a b", "gpt-4-s=a||b", "gpt-4-s=é"],
    "MODEL_UNITS": ["gpt-4-s", "gpt-4-s=", "=4", "gpt-4-s=-1", "gpt-4-s=1.5", "gpt-4-s=9999999"],
    "QUOTA_PER_DAY": NUMBER,
    "QUOTA_PER_KEY_PER_DAY": NUMBER,
    "QUOTA_RESET_HOUR": [*NUMBER, "24"],
    "GPT4_LIMIT": NUMBER,
    "GPT4_WINDOW": [*NUMBER, "0"],
    "RESPONSES_DAYS": NUMBER,
    "LEDGER_RETENTION_DAYS": [*NUMBER, "7"],
    "UPSTREAM_PROXY": [
        "proxy:3128",
        "ftp://proxy",
        "socks4://proxy",
        "http://",
        "http://proxy/path",
        "http://proxy:0",
    ],
    "FETCH_PROXY": ["upstream", "socks4://proxy", "http://proxy/path"],
    "REDIS_URL": [
        "http://redis",
        "redis://",
        "redis://x/not-a-number",
        "redis://x:0",
        "redis+cluster://x/1",
        "sqlite:///x",
    ],
    "REASONING_EFFORT": ["long", "low,high"],
    "SYSTEM_HINTS": ["google", "search canvas"],
    "TOOLS": ["ignore"],
    "PROMPT_FORM": ["one"],
    "TEXT_FILE_BYTES": NUMBER,
    "CONVERSATION_ROUTE": ["f"],
    "KEY_ALIASES": [
        "alice=fk-1,fk-2",
        "alice=eyJ,a,b",
        "alice",
        "alice=",
        "=fk-1",
        "a b=fk-1",
        "k-0123=fk-1",
        "alice=fk 1",
    ],
    "ADMIN_TOKEN": ["two words", "schlüssel"],
    "TRUSTED_PROXIES": ["nginx", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1 ::1", "256.0.0.1"],
    "REFUSALS_PER_MINUTE": NUMBER,
    "REFUSED_KEY_SECONDS": [*NUMBER, "61"],
    "LICENCE_USAGE_URL": ADDRESS,
    "STYLE": ["markdown"],
    "CITATIONS": ["footnote"],
    "IMAGE_LINKS": ["none"],
    "REASONING": SWITCH,
    "THINKING_KEEPALIVE": SWITCH,
    "STREAM_ANNOTATIONS": SWITCH,
    "HISTORY": ["delete"],
    "CONTINUITY": ["on"],
    "CONTINUE_LIMIT": [*NUMBER, "21"],
    "GPT_ACTIONS": ["never"],
    "FETCH_URLS": SWITCH,
    "MAX_IMAGE_PIXELS": [*NUMBER, "0", "50M"],
    "MEDIA_MAX_FILE_BYTES": [*NUMBER, "1023", "50M"],
    "MEDIA_MAX_TOTAL_BYTES": [*NUMBER, "1023", "2G"],
    "MEDIA_MAX_AGE": [*NUMBER, "7d"],
    "FILES_MAX_TOTAL_BYTES": [*NUMBER, "1GiB"],
    "FILES_MAX_AGE": [*NUMBER, "30d"],
    "CONNECT_TIMEOUT": [*NUMBER, "0", "301"],
    "FIRST_BYTE_TIMEOUT": [*NUMBER, "0"],
    "IDLE_TIMEOUT": [*NUMBER, "0"],
    "TOTAL_TIMEOUT": NUMBER,
    "PRO_TIMEOUT": NUMBER,
    "RESEARCH_TIMEOUT": NUMBER,
    "PICTURE_TIMEOUT": NUMBER,
    "WRITE_TIMEOUT": [*NUMBER, "0"],
    "STREAM_HEADERS_AFTER": [*NUMBER, "0", "61"],
    "KEEPALIVE_INTERVAL": [*NUMBER, "0", "61"],
    "DRAIN_TIMEOUT": NUMBER,
    "MAX_BODY_BYTES": [*NUMBER, "1023", "32M"],
    "MAX_BUFFERED_BYTES": [*NUMBER, "1023", "96M"],
    "MAX_CONCURRENT": [*NUMBER, "0"],
    "MAX_CONNECTIONS": [*NUMBER, "15"],
    "KEY_CONCURRENCY": ["one", "-1", "fk", "fk=", "fk=x", "sk=1", "fk=1;pk=2", "fk=1,,pk=2", "fk=１"],
    "QUEUE_LENGTH": [*NUMBER, "100001"],
    "QUEUE_WAIT": [*NUMBER, "0", "3601"],
    "UPSTREAM_RETRIES": [*NUMBER, "11"],
    "RETRY_UNCLEAR": SWITCH,
    "ERROR_NOTE": SWITCH,
}
FREE_TEXT = {
    "CONFIG_FILE",
    "OTEL_SERVICE_NAME",
    "ACCOUNTS_FILE",
    "GPTS_FILE",
    "HOST",
    "LOG_FILE",
    "SIDE_MODEL",
    "STATE_DIR",
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_malformed_value_is_one_line_that_names_the_variable_and_what_to_write(name: str, value: str) -> None:
    message = refusal(**{name: value})
    assert message.startswith(f"{name} ")
    assert "it must be" in message
    assert message.endswith(".")


def test_table_of_malformed_values_has_every_setting() -> None:
    assert set(BAD) | FREE_TEXT == set(NAMES)


def test_pairs_are_written_as_they_are_read() -> None:
    assert pairs_text({"a": ("b", "c"), "d": ("e",)}) == "a=b|c,d=e"
    numbers = {KeyKind.SHARE: 1, KeyKind.POOL: 2, KeyKind.TOKEN: 3}
    assert pairs_text(numbers) == "fk=1,pk=2,token=3"
    assert number_per_key_kind({})(pairs_text(numbers)) == numbers
