"""From the text of a setting to its value.

A parser takes the text without spaces around it. It raises ValueError whose text completes the sentence
"it must be ...".
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import unquote

from accounts import KeyKind
from translate.values import split_address

T = TypeVar("T", bound=str)

_ACCOUNT = re.compile(r"[A-Za-z0-9_-]{1,128}")
_TOKEN = re.compile(r"[^=]+=\s*(?!fk-|pk-)[^,]+")
"""`name=key` with a key that may have several accounts."""


def any_text(text: str) -> str:
    """Any text, also none."""
    return text


def optional(parse: Callable[[str], str]) -> Callable[[str], str]:
    """What `parse` accepts, or nothing."""
    return lambda text: parse(text) if text else ""


def text_or_off(text: str) -> str:
    """Any text; `off` is read as none."""
    return "" if text.lower() == "off" else text


def http_address(text: str) -> str:
    """An http or https URL without user name, query and fragment; slashes at its end are dropped."""
    parts = split_address(text, "http", "https")
    if parts is None:
        raise ValueError("an address such as http://127.0.0.1:8181")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("an address without user name, query or fragment")
    return text.rstrip("/")


def redis_address(text: str) -> str:
    """The URL of a Redis database: `redis://` or `rediss://`, with a password perhaps; with `+cluster` behind
    the scheme that of a node of a cluster, which has no databases but the first.
    """
    parts = split_address(text, "redis", "rediss", "redis+cluster", "rediss+cluster")
    databases = r"/?0?" if parts is not None and "+" in parts.scheme else r"/?[0-9]{0,3}"
    if parts is None or not re.fullmatch(databases, parts.path):
        raise ValueError("an address such as redis://redis:6379/0 or redis+cluster://redis:6379")
    return text


def path_prefix(text: str) -> str:
    """The first segments of a path, without slashes around them."""
    text = text.strip("/")
    if not re.fullmatch(r"[\w.~-]*(/[\w.~-]+)*", text, re.ASCII):
        raise ValueError("a path of letters, digits and . _ ~ - only")
    return text


def bearer_key(text: str) -> str:
    """One key, as it stands behind `Authorization: Bearer`."""
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("one key, without spaces")
    return text


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def port_or_none(text: str) -> int | None:
    """The number of a port, 0 for any free one; None if there is no text."""
    return whole_number(0, 65535)(text) if text else None


def fraction(text: str) -> float:
    """A number from 0 to 1."""
    if not re.fullmatch(r"0(\.[0-9]{1,9})?|1(\.0{1,9})?", text):
        raise ValueError("a number from 0 to 1, such as 0.1")
    return float(text)


def header_pairs(text: str) -> Mapping[str, str]:
    """Pairs `name=value`: name of a header to its value, which may be URL-encoded."""
    headers = {}
    for item in _items(text):
        name, _, value = (part.strip() for part in item.partition("="))
        value = unquote(value)
        if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name, re.ASCII) or not re.fullmatch(r"[!-~ ]+", value):
            raise ValueError("pairs such as authorization=Bearer%20some-token,x-team=chat")
        headers[name] = value.strip()
    return MappingProxyType(headers)


def seconds(low: float, high: float) -> Callable[[str], float]:
    """A number of seconds from `low` to `high`."""

    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text) or not low <= float(text) <= high:
            raise ValueError(f"a number of seconds from {low:g} to {high:g}")
        return float(text)

    return parse


_SWITCH = {"1": True, "true": True, "yes": True, "on": True}
_SWITCH |= {"0": False, "false": False, "no": False, "off": False}


def switch(text: str) -> bool:
    """A boolean: true or false, yes or no, on or off, 1 or 0, in any case."""
    if text.lower() not in _SWITCH:
        raise ValueError("true or false")
    return _SWITCH[text.lower()]


def switch_or_none(text: str) -> bool | None:
    """A boolean as `switch` has it; None if there is no text."""
    return switch(text) if text else None


def one_of(*words: T) -> Callable[[str], T]:
    """One of some lower-case words, in any case."""

    def parse(text: str) -> T:
        for word in words:
            if word == text.lower():
                return word
        raise ValueError("one of " + ", ".join(words))

    return parse


def words_of(*words: str) -> Callable[[str], tuple[str, ...]]:
    """Some of these lower-case words, in any case, with commas between."""

    def parse(text: str) -> tuple[str, ...]:
        found = tuple(item.lower() for item in _items(text))
        if not set(found) <= set(words):
            raise ValueError("some of " + ", ".join(words))
        return found

    return parse


def web_origin(text: str) -> str:
    """A web origin (scheme, host, perhaps a port), or `*`."""
    if text != "*" and not re.fullmatch(r"https?://[^\s/,*]+", text):
        raise ValueError("* or one origin such as https://chat.example.com")
    return text


def alias_pairs(text: str) -> Mapping[str, str]:
    """Pairs `alias=model` or `alias=model:style`: alias to what it stands for."""
    aliases = {}
    for item in _items(text):
        alias, _, target = (part.strip() for part in item.partition("="))
        if not (alias and target):
            raise ValueError("pairs such as gpt-4o-mini=gpt-3.5-turbo,gpt-4=gpt-4-s")
        aliases[alias] = target
    return MappingProxyType(aliases)


def unit_pairs(text: str) -> Mapping[str, int]:
    """Pairs `model=units`: model to the quota units of one conversation."""
    units = {}
    for item in _items(text):
        model, _, number = (part.strip() for part in item.rpartition("="))
        if not model or not re.fullmatch(r"[0-9]{1,6}", number):
            raise ValueError("pairs such as gpt-4-s=14,gpt-3.5-turbo=4")
        units[model] = int(number)
    return MappingProxyType(units)


def slug_choices(defaults: Mapping[str, tuple[str, ...]]) -> Callable[[str], Mapping[str, tuple[str, ...]]]:
    """Pairs `model=slug|slug`: model to what it may be called upstream; one left out has its default."""

    def parse(text: str) -> Mapping[str, tuple[str, ...]]:
        slugs = dict(defaults)
        for item in _items(text):
            model, _, choices = (part.strip() for part in item.partition("="))
            found = tuple(choice.strip() for choice in choices.split("|"))
            if model not in defaults or not all(
                re.fullmatch(r"[\w.-]{1,64}", one, re.ASCII) for one in found
            ):
                raise ValueError(f"pairs such as gpt-4-s=gpt-4|gpt-5-6, of {', '.join(defaults)}")
            slugs[model] = found
        return MappingProxyType(slugs)

    return parse


def address_ranges(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses and networks, such as `127.0.0.1,10.0.0.0/8`."""
    try:
        return tuple(ipaddress.ip_network(item) for item in _items(text))
    except ValueError:
        raise ValueError("addresses and networks such as 127.0.0.1,172.16.0.0/12") from None


def key_name_pairs(text: str) -> Mapping[str, str]:
    """Pairs `name=key`: key to its name, since several keys may share a name.

    A key may be `token,account`: an item without a name is the account of the key before it.
    """
    names = {}
    items: list[str] = []
    for item in _items(text):
        if items and _ACCOUNT.fullmatch(item) and _TOKEN.fullmatch(items[-1]):
            items[-1] += f",{item}"
        else:
            items.append(item)
    for item in items:
        name, _, key = (part.strip() for part in item.partition("="))
        # `k-` begins the short hashes that stand for keys without a name.
        if not re.fullmatch(r"(?!k-)[\w.@-]{1,40}", name) or not re.fullmatch(r"[!-~]+", key):
            raise ValueError("pairs such as alice=fk-...,bob=fk-...; names must not begin with k-")
        names[key] = name
    return MappingProxyType(names)


def number_per_key_kind(defaults: Mapping[KeyKind, int]) -> Callable[[str], Mapping[KeyKind, int]]:
    """Pairs `kind=number`, or one number for all kinds; a kind that is left out has its default."""

    def parse(text: str) -> Mapping[KeyKind, int]:
        if re.fullmatch(r"[0-9]{1,4}", text):
            return MappingProxyType(dict.fromkeys(KeyKind, int(text)))
        numbers = dict(defaults)
        for item in text.split(","):
            kind, _, number = (part.strip() for part in item.partition("="))
            if kind not in list(KeyKind) or not re.fullmatch(r"[0-9]{1,4}", number):
                raise ValueError(f"such as {pairs_text(defaults)}, or one number for all")
            numbers[KeyKind(kind)] = int(number)
        return MappingProxyType(numbers)

    return parse


def _items(text: str) -> list[str]:
    """What stands between commas; empty items are left out."""
    return [item for part in text.split(",") if (item := part.strip())]


def pairs_text(pairs: Mapping[Any, object]) -> str:
    """`name=value` with commas between, as the parsers of pairs read it; several values have `|` between."""
    return ",".join(
        f"{name}={'|'.join(value) if isinstance(value, tuple) else value}" for name, value in pairs.items()
    )
