"""Keys, prefixes, prompts and answers reach no log at any level, no metric and no error."""

import json
import signal
import socket
import time
from pathlib import Path

import pytest

from simulator.faults import FAULTS
from simulator.refusals import REFUSALS
from tests.processes import Pair, ask, running, service_over_simulator

KEY = "fk-canarykey0123456789"
PREFIX = "canaryprefix01"
HIDDEN = "canaryhidden01"
PROMPT = "canaryprompt"
ANSWER = "canaryanswer"
GPTS_KEY = "fk-canarygptskey"
CANARIES = (KEY, PREFIX, HIDDEN, PROMPT, ANSWER, GPTS_KEY, "canary")
CHAT = f"/{HIDDEN}/v1/chat/completions"

SETTINGS = {
    "LOG_LEVEL": "debug",
    "PROXY_API_PREFIX": PREFIX,
    "API_PREFIX": HIDDEN,
    "KEY_FOR_GPTS_INFO": GPTS_KEY,
    "FIRST_BYTE_TIMEOUT": "0.3",
    "STREAM_HEADERS_AFTER": "0.2",
    "IDLE_TIMEOUT": "0.3",
    "WRITE_TIMEOUT": "0.5",
    "TOTAL_TIMEOUT": "2",
    "MAX_BODY_BYTES": "100000",
    "MAX_CONCURRENT": "20",
}


def question(marker: str = "", **fields: object) -> dict[str, object]:
    text = f"Repeat after me: {ANSWER} to the {PROMPT} in a few more words [[sim {marker}]]"
    return {"model": "gpt-4-s", "messages": [{"role": "user", "content": text}], **fields}


def every_failure(pair: Pair) -> list[bytes]:
    """Have each named trouble happen, streamed and not; gives the bodies of errors."""
    bodies = []
    for name in (*FAULTS, *REFUSALS, "status_500", "status_503"):
        if name in ("trickle", "only_pings_mid"):
            continue  # these only take their time
        for stream in (False, True):
            reply = ask(pair.port, "POST", CHAT, question(f"fault={name}", stream=stream), KEY)
            assert reply.status != 500
            if reply.status != 200:
                bodies.append(reply.body)
            elif stream and b'"error"' in reply.body:
                bodies.append(reply.body[reply.body.rindex(b"data: {") :])
    return bodies


def bad_requests(pair: Pair) -> list[bytes]:
    """Mistakes of callers; what they sent is theirs, and still not to be repeated."""
    bodies = [
        question(stop=[ANSWER] * 5),
        question(n=2, user=PROMPT),
        question(temperature=PROMPT),
        question(messages=[{"role": "user", "content": [{"type": "text", "text": 5, "x": PROMPT}]}]),
        question(messages=[{"role": "user", "content": PROMPT * 10_000}]),
        PROMPT,
    ]
    return [ask(pair.port, "POST", CHAT, body, KEY).body for body in bodies] + [
        ask(pair.port, "POST", CHAT, question(), f"{KEY} {KEY}").body,
        ask(pair.port, "POST", CHAT, question(), f"sk-{KEY}").body,
        ask(pair.port, "DELETE", CHAT, question(), KEY).body,
    ]


def raw(pair: Pair, data: bytes, *, leave: bool = False) -> None:
    """Send bytes that no client library would, and read what comes, unless we leave at once."""
    with socket.create_connection(("127.0.0.1", pair.port), 5) as connection:
        connection.sendall(data)
        while not leave and connection.recv(65536):
            pass


def rude_clients(pair: Pair) -> None:
    """Malformed requests with secrets in them, and clients that leave in the middle."""
    body = json.dumps(question("pace=5", stream=True)).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n".encode()
    raw(pair, head + b"X-Bad: " + KEY.encode() + b"\x00\r\n\r\n")
    raw(pair, head + b"Content-Length: " + KEY.encode() + b"\r\n\r\n")
    raw(pair, f"POST /{HIDDEN}/{KEY} HTTP/9.9 {KEY}\r\n\r\n".encode())
    raw(pair, f"GET /{HIDDEN}/?{'&'.join([KEY] * 2000)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    raw(pair, f"GET /{HIDDEN} HTTP/1.1\r\nHost: {KEY} {KEY}\r\n\r\n".encode())
    raw(pair, head + b"Transfer-Encoding: chunked\r\n\r\n" + KEY.encode() + b"\r\n")
    raw(pair, head + b"Content-Length: 900\r\n\r\n" + body[:100], leave=True)
    raw(pair, head + b"Content-Length: %d\r\n\r\n" % len(body) + body, leave=True)


def polite_clients(pair: Pair) -> None:
    """Ordinary traffic."""
    for stream in (False, True):
        reply = ask(pair.port, "POST", CHAT, question(stream=stream), KEY)
        assert reply.status == 200
        assert stream or ANSWER.encode() in reply.body
        ask(pair.port, "POST", CHAT, question("finish=max_tokens", stream=stream), KEY)
        ask(pair.port, "POST", CHAT, question("moderation=blocked", stream=stream, stop=[PROMPT]), KEY)
    for path in (f"/{HIDDEN}/v1/models", f"/{HIDDEN}/v1/models/{PROMPT}", f"/{HIDDEN}/{PROMPT}", "/readyz"):
        ask(pair.port, "GET", path, None, KEY)
    draw = {"prompt": f"Draw {PROMPT}", "n": 1}
    ask(pair.port, "POST", f"/{HIDDEN}/v1/images/generations", draw, KEY)


def test_no_secret_is_logged_measured_told_or_kept(tmp_path: Path) -> None:
    with service_over_simulator(SETTINGS | {"STATE_DIR": str(tmp_path)}) as pair:
        polite_clients(pair)
        bodies = every_failure(pair)
        bodies += bad_requests(pair)
        rude_clients(pair)
        metrics = ask(pair.port, "GET", "/metrics").body
        raw_stream = json.dumps(question("pace=5 tokens=500", stream=True)).encode()
        head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n".encode()
        with socket.create_connection(("127.0.0.1", pair.port), 5) as last:
            last.sendall(head + b"Content-Length: %d\r\n\r\n" % len(raw_stream) + raw_stream)
            last.recv(1000)
            pair.service.signal(signal.SIGTERM)
            assert pair.service.exit_code() == 0
        output = pair.service.output
    assert len(bodies) > 60
    assert output.count("method=POST route=chat") > 80
    for canary in CANARIES:
        assert canary not in output
        assert canary.encode() not in metrics
        for body in bodies:
            assert canary.encode() not in body, body
    assert "Traceback" not in output
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert kept
    for path, content in kept.items():
        assert not any(canary.encode() in content for canary in CANARIES), path


@pytest.mark.parametrize("level", ["debug", "info"])
def test_backend_that_cannot_be_reached_is_not_told_about(level: str) -> None:
    settings = {
        "BASE_URL": "http://canaryhost.invalid:1",
        "PROXY_API_PREFIX": PREFIX,
        "PORT": "0",
        "LOG_LEVEL": level,
    }
    with running(["server.py"], settings) as service:
        port = int(service.wait_for(r"listening on http://127\.0\.0\.1:(\d+)")[1])
        reply = ask(port, "POST", "/v1/chat/completions", question(), KEY)
        assert reply.status == 503
        assert b"canary" not in reply.body
        time.sleep(0.1)
        said = service.output.partition("listening on")[2]
        assert "canary" not in said
