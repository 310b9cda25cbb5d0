"""From the text of a setting to its value. Each raises ValueError that says what the text must be."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

Parser = Callable[[str], object]


def text(value: str) -> str:
    """Anything."""
    return value


def url(value: str) -> str:
    """An http(s) address without credentials; a slash at its end is dropped."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that cannot be
        usable = False
    if not usable:
        raise ValueError("an address such as http://127.0.0.1:8181")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("an address without user name, query or fragment")
    return value.rstrip("/")


def prefix(value: str) -> str:
    """A path prefix, without slashes around it."""
    value = value.strip("/")
    if not re.fullmatch(r"[\w.~-]*(/[\w.~-]+)*", value, re.ASCII):
        raise ValueError("letters, digits and . _ ~ - only")
    return value


def key(value: str) -> str:
    """One key."""
    if not re.fullmatch(r"[!-~]+", value):
        raise ValueError("one key, without spaces")
    return value


def integer(low: int, high: int) -> Parser:
    """A whole number within limits."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", value) or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return parse


def seconds(low: float, high: float) -> Parser:
    """A number of seconds within limits."""

    def parse(value: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value) or not low <= float(value) <= high:
            raise ValueError(f"a number of seconds from {low:g} to {high:g}")
        return float(value)

    return parse


def switch(value: str) -> bool:
    """A boolean."""
    known = {"1": True, "true": True, "yes": True, "on": True}
    known |= {"0": False, "false": False, "no": False, "off": False}
    if value.lower() not in known:
        raise ValueError("true or false")
    return known[value.lower()]


def choice(*choices: str) -> Parser:
    """One of some words, in any case."""

    def parse(value: str) -> str:
        if value.lower() not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return value.lower()

    return parse


def origin(value: str) -> str:
    """A web origin, or ``*``."""
    if value != "*" and not re.fullmatch(r"https?://[^\s/,*]+", value):
        raise ValueError("* or one origin such as https://chat.example.com")
    return value


def aliases(value: str) -> tuple[tuple[str, str], ...]:
    """Pairs of a name and what it stands for, a model with perhaps ``:style`` behind it."""
    pairs = []
    for item in filter(None, (item.strip() for item in value.split(","))):
        alias, separator, target = (part.strip() for part in item.partition("="))
        if not (alias and separator and target):
            raise ValueError("pairs such as gpt-4o-mini=gpt-3.5-turbo,gpt-4=gpt-4-s")
        pairs.append((alias, target))
    return tuple(pairs)


def units(value: str) -> tuple[tuple[str, int], ...]:
    """Pairs of a model and what a conversation on it costs."""
    pairs = []
    for item in filter(None, (item.strip() for item in value.split(","))):
        name, _, units = (part.strip() for part in item.rpartition("="))
        if not name or not re.fullmatch(r"[0-9]{1,6}", units):
            raise ValueError("pairs such as gpt-4-s=14,gpt-3.5-turbo=4")
        pairs.append((name, int(units)))
    return tuple(pairs)


def key_names(value: str) -> tuple[tuple[str, str], ...]:
    """Pairs of a name and the key that it stands for."""
    pairs = []
    for item in filter(None, (item.strip() for item in value.split(","))):
        name, _, key = (part.strip() for part in item.partition("="))
        if not re.fullmatch(r"(?!k-)[\w.@-]{1,40}", name) or not re.fullmatch(r"[!-~]+", key):
            raise ValueError("pairs such as alice=fk-...,bob=fk-...; names must not begin with k-")
        pairs.append((name, key))
    return tuple(pairs)


def redis_url(value: str) -> str:
    """The address of a Redis."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not re.fullmatch(r"/?[0-9]{0,3}", parts.path):
        raise ValueError("an address such as redis://redis:6379/0")
    return value


KEY_KINDS = ("fk", "pk", "token")


def concurrency(value: str) -> tuple[tuple[str, int], ...]:
    """How many messages at once by kind of key; one number stands for all kinds."""
    wanted = {"fk": 1, "pk": 4, "token": 1}
    if re.fullmatch(r"[0-9]{1,4}", value):
        wanted = dict.fromkeys(KEY_KINDS, int(value))
    else:
        for item in value.split(","):
            kind, _, number = (part.strip() for part in item.partition("="))
            if kind not in KEY_KINDS or not re.fullmatch(r"[0-9]{1,4}", number):
                raise ValueError("such as fk=1,pk=4,token=1, or one number for all")
            wanted[kind] = int(number)
    return tuple(wanted.items())
