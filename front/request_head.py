"""The head of a request as bytes: whether it is HTTP that everybody reads in the same way.

Where a proxy and this service could disagree on what a request is, or where it ends, one request can be
smuggled inside another; so such a head is refused, not repaired. Tornado parses what is let through.
"""

import ipaddress
import re
from typing import Final

from metrics import ProtocolFault

MAX_HEAD_BYTES: Final = 32768
"""Keys may have 8 KiB; proxies pass on about as much as this."""

_LONE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(_TOKEN + rb" ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])")
_HEADER = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_ABSOLUTE = re.compile(r"https?://([^/?#]*)([^#]*).*", re.IGNORECASE)
_HOST = re.compile(r"(?:[-A-Za-z0-9._~!$&'()*+;=%]+|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{0,5}))?")
_MAX_PORT = 65535
CONTINUE: Final = b"100-continue"
"""What a client expects that waits for leave to send the body; in HTTP/1.0 it means nothing."""
_LENGTH = re.compile(rb"[0-9]{1,18}")


def fault_of_head(head: bytes) -> ProtocolFault | None:
    """What is wrong with a head, which ends with its empty line; empty lines before it are no fault."""
    if len(head) > MAX_HEAD_BYTES:
        return ProtocolFault.HEAD_TOO_LARGE
    if _LONE_END.search(head):
        return ProtocolFault.LINE_END
    first, *lines = head.strip(b"\r\n").split(b"\r\n")
    request_line = _REQUEST_LINE.fullmatch(first)
    if request_line is None:
        return ProtocolFault.REQUEST_LINE
    hosts, lengths, encodings, expectations = [], [], [], []
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            return ProtocolFault.HEADER
        name = header[1].lower()
        if name == b"host":
            hosts.append(header[2].rstrip(b" \t"))
        elif name == b"content-length":
            lengths.append(header[2].rstrip(b" \t"))
        elif name == b"transfer-encoding":
            encodings.append(header[2].rstrip(b" \t").lower())
        elif name == b"expect":
            expectations.append(header[2].strip(b" \t").lower())
    modern = request_line[2] == b"1"
    absolute = absolute_target(request_line[1].decode("latin-1"))
    named = [host.decode("latin-1") for host in hosts] + ([absolute[0]] if absolute else [])
    if len(hosts) > 1 or (modern and not hosts) or not all(map(_is_host, named)):
        return ProtocolFault.HOST
    if modern and any(expected != CONTINUE for expected in expectations):
        return ProtocolFault.EXPECTATION
    if encodings and (lengths or not modern or encodings != [b"chunked"]):
        return ProtocolFault.LENGTH
    if len(lengths) > 1 or (lengths and not _LENGTH.fullmatch(lengths[0])):
        return ProtocolFault.LENGTH
    return None


def absolute_target(target: str) -> tuple[str, str] | None:
    """Host and path of a target that is a whole address, as for a proxy; None for any other."""
    found = _ABSOLUTE.fullmatch(target)
    if found is None:
        return None
    host, path = found.groups()
    return host, path if path.startswith("/") else "/" + path


def _is_host(text: str) -> bool:
    """Whether this is a name or an address with, perhaps, a port behind it."""
    host = _HOST.fullmatch(text)
    if host is None or int(host[2] or 0) > _MAX_PORT:
        return False
    try:
        return host[1] is None or ipaddress.IPv6Address(host[1]).version == 6
    except ValueError:
        return False
