"""Keys, prefixes, tokens, prompts and answers reach no log at any level, no metric, span, error and file.

The canaries are everywhere where a secret can be, and every route, format and failure is gone through with
them; a route that `canaries.py` does not know fails a test.
"""

import json
import logging
import signal
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from handlers import make_app
from server import VERSION
from settings import Settings
from tests.eventually import eventually
from tests.processes import Pair, Reply, ask, listening_port, running, service_over_simulator
from tests.service.canaries import (
    ACCOUNT_TOKENS,
    ADMIN,
    ANSWER,
    CHAT,
    COLLECTOR,
    FEED,
    HIDDEN,
    KEY,
    PREFIX,
    ROUTES,
    SCRAPER,
    SERVICE_KEY,
    WORD,
    Request,
    every_fault,
    every_route,
    question,
    routes_of,
    rude_requests,
    send_rudely,
    with_accounts,
)
from tests.service.deployment import deployed
from tests.tracing.collector import collecting
from wiring import build

AT_ONCE = 8


async def test_every_route_is_gone_through(tmp_path: Path) -> None:
    settings = {"BASE_URL": "http://127.0.0.1:1", "API_PREFIX": HIDDEN, "STATE_DIR": str(tmp_path)}
    app = make_app(build(Settings.from_env({**settings, "AUDIO": "true"}), VERSION).app)
    assert routes_of(app) == list(ROUTES)


def told(request: Request, reply: Reply) -> bytes:
    """What a reply says of itself: an error, without the path and the model that it repeats."""
    said = b" ".join(f"{name}: {value}".encode() for name, value in reply.headers.items())
    if reply.status < 400:
        error = max(reply.body.rfind(start) for start in (b'data: {"error"', b"event: error"))
        return said + (reply.body[error:] if error >= 0 else b"")
    if reply.body.startswith(b"{"):
        body = json.loads(reply.body)["error"]
        own = request.path.partition("?")[0]
        # what was asked for does not exist
        repeated = body.get("code") in ("unknown_url", "model_not_found") or body["type"] == "not_found_error"
        return said + (b"" if repeated and (WORD in own or body["param"]) else reply.body)
    return said + reply.body


def ask_all(pair: Pair) -> list[tuple[Request, Reply]]:
    requests = [*every_route(), *every_fault()]
    with ThreadPoolExecutor(AT_ONCE) as clients:
        return list(
            zip(requests, clients.map(lambda request: request.send(pair.port), requests), strict=True)
        )


def files_of(folder: Path) -> dict[str, bytes]:
    """All files but stored pictures and files, and kept responses, which are meant to be there."""
    found = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    meant = ("media", "uploads", "responses.sqlite3", "responses.sqlite3-wal", "responses.sqlite3-shm")
    return {str(name): path.read_bytes() for name, path in found.items() if name.parts[0] not in meant}


def test_no_secret_is_logged_measured_told_or_kept(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = with_accounts(tmp_path_factory.mktemp("accounts"))
    with (
        collecting() as collector,
        service_over_simulator({**settings, **collector.settings, "STATE_DIR": str(tmp_path)}) as pair,
    ):
        replies = ask_all(pair)
        rude = [send_rudely(pair.port, data, leave=leave) for data, leave in rude_requests()]
        seen_by_backend = json.dumps(pair.upstream)
        metrics = ask(pair.port, "GET", "/metrics", key=SCRAPER).body
        state = ask(pair.port, "GET", "/console/state", key=ADMIN).json
        admin = ask(pair.port, "GET", "/admin/accounts", key=ADMIN).body
        public = ask(pair.port, "GET", "/console/state", key="").body
        feed = Request("GET", FEED, ADMIN).send(pair.port).body.rpartition(b"data: ")[2]
        stream = json.dumps(question("pace=5 tokens=500", stream=True)).encode()
        head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n".encode()
        with socket.create_connection(("127.0.0.1", pair.port), 30) as last:
            last.sendall(head + b"Content-Length: %d\r\n\r\n" % len(stream) + stream)
            last.recv(1000)
            pair.service.signal(signal.SIGTERM)
            assert pair.service.exit_code() == 0
        output = pair.service.output
        assert collector.headers["x-token"] == COLLECTOR
        assert len(collector.requests) > len(replies) / 2
        assert WORD.encode() not in b"".join(collector.bodies)
    statuses = Counter(reply.status for _, reply in replies)
    assert {200, 204, 400, 401, 403, 404, 405, 413, 415, 429, 502, 503, 504} <= set(statuses)
    assert [request for request, reply in replies if reply.status == 500] == []
    assert sum(ANSWER.encode() in reply.body for _, reply in replies) > 4, "the answers did come"
    assert output.count("route=") > len(replies) / 2
    assert KEY in seen_by_backend
    assert ACCOUNT_TOKENS["first"] in seen_by_backend, "accounts were used"
    assert ADMIN not in seen_by_backend
    assert SERVICE_KEY not in seen_by_backend
    assert "Traceback" not in output
    assert WORD not in output
    assert b"pandora_requests_total" in metrics
    assert b'"type":"requests"' in feed
    assert feed.count(b'"request_id"') > 50
    assert WORD.encode() not in metrics + public + admin + feed
    assert [request for request, reply in replies if WORD.encode() in told(request, reply)] == []
    assert [answer for answer in rude if WORD.encode() in answer] == []
    errors = [error for error in state["details"]["errors"] if WORD in json.dumps(error)]
    assert errors == []
    kept = files_of(tmp_path)
    assert {"ledger.sqlite3", "secret"} <= set(kept)
    assert [name for name, content in kept.items() if WORD.encode() in content or WORD in name] == []


@pytest.mark.parametrize("level", ["debug", "info"])
def test_backend_that_cannot_be_reached_is_not_told_about(level: str) -> None:
    settings = {
        "BASE_URL": "http://canaryhost.invalid:1",
        "PROXY_API_PREFIX": PREFIX,
        "PORT": "0",
        "LOG_LEVEL": level,
    }
    with running(["server.py"], settings) as service:
        port = listening_port(service)
        reply = ask(port, "POST", "/v1/chat/completions", question(), KEY)
        assert reply.status == 503
        assert b"canary" not in reply.body
        time.sleep(0.1)
        said = service.output.partition("listening on")[2]
        assert "canary" not in said


async def test_redis_that_cannot_be_reached_is_not_told_about(loud_log: pytest.LogCaptureFixture) -> None:
    async with deployed({"REDIS_URL": f"redis://:{WORD}password@127.0.0.1:1/0"}) as service:
        answers = [
            await service.chat(),
            await service.chat(stream=True),
            await service.ask("GET", "/v1/usage", key=""),
            await service.ask("GET", "/console/state", key=""),
            await service.ask("GET", "/metrics", key=""),
        ]
    assert [answer.status for answer in answers] == [200, 200, 503, 200, 200]
    assert WORD not in loud_log.text
    assert [answer for answer in answers if WORD.encode() in answer.body] == []


async def test_wrong_prefix_is_not_told_about(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with deployed({"PROXY_API_PREFIX": f"{WORD}wrong"}) as service:
        answers = [await service.chat(stream=stream) for stream in (False, True)]
        answers.append(await service.post({"prompt": "a cat"}, path="/v1/images/generations"))
    assert {answer.status for answer in answers} == {502}
    assert WORD not in caplog.text
    assert [answer for answer in answers if WORD.encode() in answer.body] == []


async def test_token_that_was_made_is_nowhere_but_in_its_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with deployed({"STATE_DIR": str(tmp_path)}) as service:
        token = (tmp_path / "admin_token").read_text().strip()
        opened = await service.ask("GET", "/v1/usage", {"Via": "1.1 proxy"}, key=token)
        refused = await service.ask("GET", "/console/state", {"Via": "1.1 proxy"}, key=token[:-1])
        metrics = await service.ask("GET", "/metrics")
        await eventually(lambda: "route=" in caplog.text or "request" in caplog.text)
    assert (opened.status, refused.status) == (200, 401)
    assert token not in caplog.text
    assert token.encode() not in opened.body + refused.body + metrics.body
    others = [name for name, content in files_of(tmp_path).items() if token.encode() in content]
    assert others == ["admin_token"]
