"""Heads of requests that could be read in two ways are refused, and ordinary ones are not."""

import pytest

from front.request_head import MAX_HEAD_BYTES, fault_of_head
from metrics import ProtocolFault

HOST = b"Host: example.org\r\n"

GOOD = {
    "get": b"GET / HTTP/1.1\r\n" + HOST,
    "empty lines before it": b"\r\n\r\nGET / HTTP/1.1\r\n" + HOST,
    "http 1.0 without host": b"GET / HTTP/1.0\r\n",
    "length": b"POST /v1/x?y=%20 HTTP/1.1\r\nhost:[::1]:8080\r\ncontent-length: 12 \r\n",
    "chunked": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: Chunked\r\n",
    "text in a value": b"GET / HTTP/1.1\r\n" + HOST + b"X-Name:\tM\xc3\xbcller \r\nX-Empty:\r\n",
    "host with an empty port": b"GET / HTTP/1.1\r\nHost: a:\r\n",
    "host with the last port": b"GET / HTTP/1.1\r\nHost: a:65535\r\n",
    "whole address": b"GET http://[::1]:80/x?y HTTP/1.1\r\n" + HOST,
    "leave for the body": b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-Continue \r\n",
    "any expectation in http 1.0": b"POST / HTTP/1.0\r\nExpect: x\r\n",
    "raw bytes in the path": b"GET /\xe4 HTTP/1.1\r\n" + HOST,
}

BAD = {
    "bare line feed": (b"GET / HTTP/1.1\n" + HOST, ProtocolFault.LINE_END),
    "one bare line feed": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\nC: d\r\n", ProtocolFault.LINE_END),
    "carriage return in a value": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\rC: d\r\n", ProtocolFault.LINE_END),
    "two spaces": (b"GET  / HTTP/1.1\r\n" + HOST, ProtocolFault.REQUEST_LINE),
    "no version": (b"GET /\r\n" + HOST, ProtocolFault.REQUEST_LINE),
    "http 2": (b"PRI * HTTP/2.0\r\n", ProtocolFault.REQUEST_LINE),
    "space in the path": (b"GET /a b HTTP/1.1\r\n" + HOST, ProtocolFault.REQUEST_LINE),
    "zero byte in the path": (b"GET /\0 HTTP/1.1\r\n" + HOST, ProtocolFault.REQUEST_LINE),
    "tls": (b"\x16\x03\x01\x02\x00", ProtocolFault.REQUEST_LINE),
    "space before the colon": (b"GET / HTTP/1.1\r\n" + HOST + b"A : b\r\n", ProtocolFault.HEADER),
    "folded line": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n c\r\n", ProtocolFault.HEADER),
    "zero byte in a value": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\0\r\n", ProtocolFault.HEADER),
    "no colon": (b"GET / HTTP/1.1\r\n" + HOST + b"A\r\n", ProtocolFault.HEADER),
    "no name": (b"GET / HTTP/1.1\r\n" + HOST + b": b\r\n", ProtocolFault.HEADER),
    "no host": (b"GET / HTTP/1.1\r\n", ProtocolFault.HOST),
    "two hosts": (b"GET / HTTP/1.1\r\n" + HOST + HOST, ProtocolFault.HOST),
    "host with a slash": (b"GET / HTTP/1.1\r\nHost: a/b\r\n", ProtocolFault.HOST),
    "empty host": (b"GET / HTTP/1.1\r\nHost:\r\n", ProtocolFault.HOST),
    "empty host in http 1.0": (b"GET / HTTP/1.0\r\nHost: \r\n", ProtocolFault.HOST),
    "port that is no number": (b"GET / HTTP/1.1\r\nHost: a:x\r\n", ProtocolFault.HOST),
    "port that is none": (b"GET / HTTP/1.1\r\nHost: a:65536\r\n", ProtocolFault.HOST),
    "long port": (b"GET / HTTP/1.1\r\nHost: a:99999999\r\n", ProtocolFault.HOST),
    "port alone": (b"GET / HTTP/1.1\r\nHost: :80\r\n", ProtocolFault.HOST),
    "open bracket": (b"GET / HTTP/1.1\r\nHost: [::1\r\n", ProtocolFault.HOST),
    "no address in brackets": (b"GET / HTTP/1.1\r\nHost: [1.2.3.4]\r\n", ProtocolFault.HOST),
    "address without brackets": (b"GET / HTTP/1.1\r\nHost: ::1\r\n", ProtocolFault.HOST),
    "two hosts in one": (b"GET / HTTP/1.1\r\nHost: a,b\r\n", ProtocolFault.HOST),
    "whole address without a host": (b"GET http:///x HTTP/1.1\r\n" + HOST, ProtocolFault.HOST),
    "whole address with a wrong port": (b"GET http://a:x/ HTTP/1.1\r\n" + HOST, ProtocolFault.HOST),
    "whole address with a user": (b"GET http://u@a/ HTTP/1.1\r\n" + HOST, ProtocolFault.HOST),
    "another expectation": (b"POST / HTTP/1.1\r\n" + HOST + b"Expect: x\r\n", ProtocolFault.EXPECTATION),
    "an expectation more": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue, x\r\n",
        ProtocolFault.EXPECTATION,
    ),
    "length and chunked": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        ProtocolFault.LENGTH,
    ),
    "two lengths": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\ncontent-length: 4\r\n",
        ProtocolFault.LENGTH,
    ),
    "the same length twice": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nContent-Length: 3\r\n",
        ProtocolFault.LENGTH,
    ),
    "list of lengths": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3, 3\r\n", ProtocolFault.LENGTH),
    "length with a sign": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +3\r\n", ProtocolFault.LENGTH),
    "negative length": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -3\r\n", ProtocolFault.LENGTH),
    "unknown coding": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n", ProtocolFault.LENGTH),
    "two codings": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n",
        ProtocolFault.LENGTH,
    ),
    "chunked twice": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        ProtocolFault.LENGTH,
    ),
    "chunked with a tab inside": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: \x0bchunked\r\n",
        ProtocolFault.HEADER,
    ),
    "chunked in http 1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", ProtocolFault.LENGTH),
    "too large": (
        b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"a" * MAX_HEAD_BYTES + b"\r\n",
        ProtocolFault.HEAD_TOO_LARGE,
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_ordinary_head_is_let_through(name: str) -> None:
    assert fault_of_head(GOOD[name] + b"\r\n") is None


@pytest.mark.parametrize("name", BAD)
def test_head_that_can_be_read_in_two_ways_is_a_fault(name: str) -> None:
    head, fault = BAD[name]
    assert fault_of_head(head + b"\r\n") is fault
