"""Secrets that would be recognised anywhere, and everything that a service can be asked with them."""

import base64
import http.client
import itertools
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import tornado.web
from tornado.routing import PathMatches

from simulator.faults import FAULTS
from simulator.refusals import REFUSALS
from tests.processes import Reply
from tests.roster import rig

KEY = "fk-canarykey0123456789"
PREFIX = "canaryprefix01"
HIDDEN = "canaryhidden01"
ADMIN = "canaryadmintoken0123456789"
SCRAPER = "canaryscraper0123456789"
COLLECTOR = "canarycollector0123456789"
GPTS_KEY = "fk-canarygptskey"
SERVICE_KEY = "sk-pandora-canaryservicekey0123456789"
ACCOUNT_TOKENS = {"first": "fk-canaryaccount1", "second": "fk-dead-canaryaccount2"}
"""Credentials of accounts by their aliases; the backend refuses the second one."""
PROMPT = "canaryprompt"
ANSWER = "canaryanswer"
WORD = "canary"
"""All of them hold this word, and nothing else does."""
API: Final = f"/{HIDDEN}/v1"
CHAT: Final = f"{API}/chat/completions"
FEED: Final = "/console/events"
"""It has no end; what it tells first is all that there is."""
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW")
CREDENTIALS: Final = ("", KEY, SERVICE_KEY, ADMIN, SCRAPER, f"sk-{KEY}", f"{KEY} {KEY}", f"{KEY}\x7f")
"""None, one that is good, one of this service, the administrator's, the scraper's, one that the backend
refuses, and two that cannot be."""

SETTINGS: Final[Mapping[str, str]] = {
    "LOG_LEVEL": "debug",
    "PROXY_API_PREFIX": PREFIX,
    "API_PREFIX": HIDDEN,
    "ADMIN_TOKEN": ADMIN,
    "METRICS_TOKEN": SCRAPER,
    "OTEL_EXPORTER_OTLP_HEADERS": f"x-token={COLLECTOR}",
    "KEY_FOR_GPTS_INFO": GPTS_KEY,
    "KEY_ALIASES": f"somebody={GPTS_KEY}",
    "LICENCE_USAGE_URL": f"http://127.0.0.1:1/{WORD}licence",
    "ALLOW_ANY_GPT": "true",
    "HISTORY": "hide",
    "RECORD": "all",
    "AUDIO": "true",
    "FIRST_BYTE_TIMEOUT": "1",
    "STREAM_HEADERS_AFTER": "0.2",
    "IDLE_TIMEOUT": "1",
    "WRITE_TIMEOUT": "0.5",
    "TOTAL_TIMEOUT": "4",
    "MAX_BODY_BYTES": "100000",
    "MAX_CONCURRENT": "20",
}
"""Everything that may be secret is; what is slow fails soon."""


def with_accounts(folder: Path) -> dict[str, str]:
    """The settings with a file of accounts in that folder, their tokens beside it, and a key for them."""
    for alias, token in ACCOUNT_TOKENS.items():
        (folder / f"{alias}.token").write_text(token)
    accounts = [{"alias": alias, "credential": {"file": f"{alias}.token"}} for alias in ACCOUNT_TOKENS]
    file = folder / "accounts.json"
    file.write_bytes(rig.content(accounts=accounts, keys=[rig.key("everybody", SERVICE_KEY)]))
    return {**SETTINGS, "ACCOUNTS_FILE": str(file), "PASSTHROUGH": "true"}


def question(marker: str = "", **fields: object) -> dict[str, object]:
    """A chat request whose answer holds a secret word; `marker` tells the simulator what is to happen."""
    text = f"Repeat after me: {ANSWER} to the {PROMPT} in a few more words [[sim {marker}]]"
    return {"model": "gpt-4-s", "messages": [{"role": "user", "content": text}], **fields}


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent, and as what."""

    content: bytes
    content_type: str = "application/json"


def as_json(value: object) -> Body:
    return Body(json.dumps(value).encode())


def with_part(part: Mapping[str, object]) -> Body:
    """A question with a further part in its message."""
    content = [{"type": "text", "text": f"What is {PROMPT}?"}, part]
    return as_json(question(messages=[{"role": "user", "content": content}]))


def form(fields: Mapping[str, str], picture: bytes, name: str = "image") -> Body:
    """A form with a picture, or with what claims to be one."""
    lines = [f'--{WORD}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
             for name, value in fields.items()]  # fmt: skip
    head = (
        f'--{WORD}\r\nContent-Disposition: form-data; name="{name}"; filename="{WORD}.png"\r\n\r\n'.encode()
    )
    content = b"".join([*lines, head, picture, f"\r\n--{WORD}--\r\n".encode()])
    return Body(content, f"multipart/form-data; boundary={WORD}")


NOTHING: Final = Body(b"")
PICTURE: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DATA: Final = "data:{};base64,{}"
CHATS: Final = (
    *[as_json(question(stream=stream)) for stream in (False, True)],
    *[as_json(question("dialect=delta age=2025", stream=stream)) for stream in (False, True)],
    *[as_json(question("transport=ws", stream=stream)) for stream in (False, True)],
    as_json(question(model="gpt-4-gizmo-g-YyyyMT9XH")),
    as_json(question(model="gpt-4-gizmo-g-Missing01")),
    as_json(question("finish=max_tokens", stream=True, stream_options={"include_usage": True})),
    as_json(question("moderation=blocked", stream=True, stop=[PROMPT])),
    as_json(question("kind=code_file")),
    as_json(question("kind=browse", stream=True)),
    as_json(question("kind=action")),
    as_json(question("unknown=1")),
    as_json(question("other_fault=unauthorized")),
    as_json(question(stop=[ANSWER] * 300)),
    as_json(question(n=2, user=PROMPT)),
    as_json(question(temperature=PROMPT)),
    as_json(question(model=f"{WORD}-model")),
    as_json(question(messages=[{"role": "user", "content": [{"type": "text", "text": 5, "x": PROMPT}]}])),
    as_json(question(messages=[{"role": "user", "content": PROMPT * 10_000}])),
    as_json(PROMPT),
    with_part({"type": "image_url", "image_url": {"url": f"http://127.0.0.1/{PROMPT}"}}),
    with_part({"type": "image_url", "image_url": {"url": f"http://{WORD}.invalid/?{PROMPT}"}}),
    with_part({"type": "image_url", "image_url": {"url": DATA.format("image/png", PROMPT)}}),
    with_part({
        "type": "image_url",
        "image_url": {"url": DATA.format("image/png", base64.b64encode(PICTURE).decode())},
    }),
    with_part({
        "type": "file",
        "file": {
            "filename": f"{WORD}.txt",
            "file_data": DATA.format("text/plain", base64.b64encode(PROMPT.encode()).decode()),
        },
    }),
    Body(PROMPT.encode()),
    Body(f'{{"model": "{PROMPT}'.encode()),
    Body(b"{}", f"text/{WORD}"),
)  # fmt: skip
TOOL: Final = {
    "name": "look",
    "description": f"Looks for {PROMPT}.",
    "input_schema": {"type": "object", "properties": {WORD: {"const": PROMPT}}},
}
TEXTS: Final = (
    *[as_json({"model": "gpt-4-s", "prompt": PROMPT, "stream": stream}) for stream in (False, True)],
    as_json({"model": "gpt-4-s", "prompt": f"{PROMPT} [[sim fault=reset_mid]]", "stream": True}),
    as_json({"model": "gpt-4-s", "prompt": [PROMPT, PROMPT]}),
    as_json({"model": "gpt-4-s", "prompt": PROMPT, "suffix": PROMPT}),
    Body(PROMPT.encode()),
)
MESSAGES: Final = (
    *[as_json(question(stream=stream, max_tokens=9, system=PROMPT)) for stream in (False, True)],
    *[as_json(question(stream=stream, max_tokens=9, tools=[TOOL])) for stream in (False, True)],
    as_json(
        question("habit=wrong_type amends=false", max_tokens=9, tools=[TOOL], tool_choice={"type": "any"})
    ),
    as_json(question("fault=reset_mid", stream=True, max_tokens=9)),
    as_json(question("fault=message_length_exceeds_limit", max_tokens=9)),
    as_json(question(max_tokens=PROMPT)),
    as_json(question(max_tokens=9, stop_sequences=[PROMPT * 2000])),
    as_json(question(max_tokens=9, messages=[{"role": PROMPT, "content": PROMPT}])),
    as_json(
        question(max_tokens=9, messages=[{"role": "user", "content": [{"type": "image", "source": PROMPT}]}])
    ),
    as_json(question(max_tokens=9, tools=[{**TOOL, "strict": True, "input_schema": {"type": "odd"}}])),
    Body(PROMPT.encode()),
)
RESPONSES: Final = (
    *[as_json({"model": "gpt-4-s", "input": PROMPT, "stream": stream}) for stream in (False, True)],
    as_json({"model": "gpt-4-s", "input": f"{PROMPT} [[sim fault=reset_mid]]", "stream": True}),
    as_json({"model": "gpt-4-s", "input": PROMPT, "instructions": PROMPT, "store": False}),
    as_json({"model": "gpt-4-s", "input": PROMPT, "conversation": PROMPT}),
    as_json({"model": "gpt-4-s", "input": [{"role": PROMPT, "content": PROMPT}]}),
    as_json({"model": "gpt-4-s", "input": PROMPT, "temperature": PROMPT, "tools": PROMPT}),
    Body(PROMPT.encode()),
)
CONVERSATIONS: Final = (
    as_json({"metadata": {WORD: PROMPT}, "items": [{"role": "user", "content": PROMPT}]}),
    as_json({"metadata": {PROMPT: 5}}),
    as_json({"items": [{"role": PROMPT, "content": PROMPT}]}),
    as_json({"items": [{"type": "item_reference", "id": PROMPT}]}),
    as_json({"items": PROMPT}),
    Body(PROMPT.encode()),
)
DRAWINGS: Final = (
    *[as_json({"prompt": f"Draw {PROMPT}", "response_format": form}) for form in ("url", "b64_json")],
    as_json({"prompt": f"Draw {PROMPT} [[sim kind=draw_refused]]"}),
    as_json({"prompt": f"Draw {PROMPT} [[sim fault=reset_mid]]", "n": 2}),
    as_json({"prompt": f"Draw {PROMPT}", "n": PROMPT}),
    Body(PROMPT.encode()),
)
FORMS: Final = (
    form({"prompt": f"Draw {PROMPT}", "response_format": "b64_json"}, PICTURE),
    form({"prompt": f"Draw {PROMPT}", "n": PROMPT}, PICTURE),
    form({"prompt": PROMPT}, PROMPT.encode()),
    form({"prompt": PROMPT, PROMPT: PROMPT}, PICTURE),
    Body(PROMPT.encode(), "multipart/form-data"),
    Body(PROMPT.encode(), f"multipart/form-data; boundary={WORD}"),
    Body(
        f'--{WORD}\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n{PROMPT}'.encode(),
        f"multipart/form-data; boundary={WORD}",
    ),
    Body(b"{}"),
)


UPLOADS: Final = (
    form({"purpose": "user_data"}, PROMPT.encode(), "file"),
    form({"purpose": PROMPT}, PROMPT.encode(), "file"),
    form({"purpose": "user_data"}, PROMPT.encode()),
)
SPEECHES: Final = (
    as_json({"model": "tts-1", "input": PROMPT, "voice": "alloy"}),
    as_json({"model": "tts-1", "input": PROMPT, "voice": PROMPT}),
    as_json({"model": "tts-1", "input": f"{PROMPT} [[sim fault=reset_mid]]", "voice": "alloy"}),
)
RECORDINGS: Final = (
    form({"model": "whisper-1", "prompt": PROMPT}, PICTURE, "file"),
    form({"model": "whisper-1", "response_format": PROMPT}, PICTURE, "file"),
    form({"model": PROMPT}, PICTURE),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """How a route is asked: its paths, and what is posted there."""

    paths: Sequence[str]
    bodies: Sequence[Body] = field(default=(NOTHING,))


ROUTES: Final[Mapping[str, Asked]] = {
    "API/v1/chat/completions/?": Asked([CHAT], CHATS),
    "API/v1/completions/?": Asked([f"{API}/completions"], TEXTS),
    "API/v1/messages/?": Asked([f"{API}/messages", f"{API}/messages?{WORD}={KEY}"], MESSAGES),
    "API/v1/messages/count_tokens/?": Asked([f"{API}/messages/count_tokens"], MESSAGES),
    "API/v1/messages/.*": Asked([f"{API}/messages/batches/{PROMPT}"]),
    "API/v1/responses/?": Asked([f"{API}/responses"], RESPONSES),
    "API/v1/responses/input_tokens/?": Asked([f"{API}/responses/input_tokens"], RESPONSES),
    "API/v1/responses/compact/?": Asked([f"{API}/responses/compact"], RESPONSES),
    "API/v1/responses/([^/]+)/?": Asked([f"{API}/responses/resp_1?{WORD}={KEY}"]),
    "API/v1/responses/([^/]+)/cancel/?": Asked([f"{API}/responses/resp_1/cancel?{KEY}"]),
    "API/v1/responses/([^/]+)/input_items/?": Asked([f"{API}/responses/resp_1/input_items?after={KEY}"]),
    "API/v1/conversations/?": Asked([f"{API}/conversations"], CONVERSATIONS),
    "API/v1/conversations/([^/]+)/?": Asked([f"{API}/conversations/conv_1?{KEY}"], CONVERSATIONS),
    "API/v1/conversations/([^/]+)/items/?": Asked(
        [f"{API}/conversations/conv_1/items?after={KEY}"], CONVERSATIONS
    ),
    "API/v1/conversations/([^/]+)/items/([^/]+)/?": Asked(
        [f"{API}/conversations/{PROMPT}/items/{PROMPT}?{KEY}"]
    ),
    "API/v1/images/generations/?": Asked([f"{API}/images/generations"], DRAWINGS),
    "API/v1/images/edits/?": Asked([f"{API}/images/edits"], FORMS),
    "API/v1/images/variations/?": Asked([f"{API}/images/variations"], FORMS),
    "API/v1/audio/speech/?": Asked([f"{API}/audio/speech"], SPEECHES),
    "API/v1/audio/transcriptions/?": Asked([f"{API}/audio/transcriptions"], RECORDINGS),
    "API/v1/files/?": Asked([f"{API}/files", f"{API}/files?after={KEY}"], UPLOADS),
    "API/v1/files/([^/]+)/content/?": Asked([f"{API}/files/file-1/content?{KEY}"]),
    "API/v1/files/([^/]+)/?": Asked([f"{API}/files/file-1?{KEY}"]),
    "API/v1/containers/([^/]+)/files/([^/]+)/content/?": Asked(
        [f"{API}/containers/cntr_1/files/file-1/content?{KEY}"]
    ),
    "API/v1/models/?": Asked([f"{API}/models", f"{API}/models?{WORD}={KEY}"]),
    "API/v1/models/(.+?)/?": Asked([f"{API}/models/gpt-4-s", f"{API}/models/{PROMPT}"]),
    "API/v1/usage/?": Asked([f"{API}/usage", f"{API}/usage?start_date={PROMPT}"]),
    "API(?:/v1)?/dashboard/billing/subscription/?": Asked([f"{API}/dashboard/billing/subscription"]),
    "API(?:/v1)?/dashboard/billing/usage/?": Asked(
        [f"/{HIDDEN}/dashboard/billing/usage", f"{API}/dashboard/billing/usage?end_date={PROMPT}"]
    ),
    "API/api/hello": Asked([f"/{HIDDEN}/api/hello"]),
    r"API/openapi\.json": Asked([f"/{HIDDEN}/openapi.json", f"/{HIDDEN}/openapi.json?{WORD}={KEY}"]),
    "API/.*": Asked([f"{API}/{PROMPT}", f"{API}/embeddings", f"/{HIDDEN}/{KEY}"]),
    "/(?:images|files)/([^/]+)": Asked([f"/images/{PROMPT}.png", f"/files/{KEY}"]),
    "/healthz/?": Asked(["/healthz"]),
    "/readyz/?": Asked(["/readyz"]),
    "/metrics/?": Asked(["/metrics"]),
    "/": Asked(["/", f"/?{KEY}"]),
    "/console/state": Asked(["/console/state"]),
    "/console/events": Asked([FEED, f"{FEED}?{WORD}={KEY}"]),
    r"/console/((?:[a-z0-9-]+/)*[A-Za-z0-9_.-]+\.[a-z0-9]+)": Asked(
        ["/console/main.js", f"/console/{PROMPT}.js", f"/console/{WORD}/{PROMPT}.js"]
    ),
    "/admin/accounts/?": Asked(["/admin/accounts", f"/admin/accounts?{KEY}"]),
    "/admin/accounts/([^/]+)/enable/?": Asked([f"/admin/accounts/{PROMPT}/enable"]),
    "/admin/accounts/([^/]+)/disable/?": Asked([f"/admin/accounts/{KEY}/disable"]),
    "/admin/reload/?": Asked(["/admin/reload"]),
    "everything else": Asked(
        [f"/{PROMPT}", f"/{PREFIX}/v1/chat/completions", f"//{KEY}", f"/{HIDDEN}x/v1/models"]
    ),
}
"""Every route of the application; `API` stands for the prefix."""


def routes_of(app: tornado.web.Application) -> list[str]:
    """The routes of an application with the prefix HIDDEN, as they are named in `ROUTES`."""
    matchers = [rule.matcher for rule in app.wildcard_router.rules]
    patterns = [matcher.regex.pattern for matcher in matchers if isinstance(matcher, PathMatches)]
    return [*(p.removesuffix("$").replace(f"/{HIDDEN}", "API") for p in patterns), "everything else"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, which may hold secrets in any place."""

    method: str
    path: str
    key: str = KEY
    body: Body = NOTHING

    def send(self, port: int) -> Reply:
        """Ask, and read the whole answer, or of the feed what it tells first."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.putrequest(self.method, self.path)
        headers = {"Content-Type": self.body.content_type, "Content-Length": str(len(self.body.content))}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        try:
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(self.body.content)
            response = connection.getresponse()
            endless = self.path.startswith(FEED) and response.status == 200 and self.method == "GET"
            content = b"".join(response.readline() for _ in range(3)) if endless else response.read()
            return Reply(response.status, dict(response.getheaders()), content)
        finally:
            connection.close()


def every_route() -> Iterator[Request]:
    """Each route with each method and each kind of key, and with each body where one is read."""
    for asked in ROUTES.values():
        for path, method, key in itertools.product(asked.paths, METHODS, CREDENTIALS):
            yield Request(method, path, key, asked.bodies[0] if method == "POST" else NOTHING)
        for path, body in itertools.product(asked.paths, asked.bodies[1:]):
            yield Request("POST", path, KEY, body)


def every_fault() -> Iterator[Request]:
    """Each named trouble of the backend, streamed and whole, over both transports, and while drawing."""
    endless = ("trickle", "only_pings_mid")  # these only take their time
    for name in (*FAULTS, *REFUSALS, "status_500", "status_503"):
        if name in endless:
            continue
        for stream, transport in itertools.product((False, True), ("sse", "ws")):
            marker = f"fault={name} transport={transport}"
            yield Request("POST", CHAT, KEY, as_json(question(marker, stream=stream)))
        drawing = as_json({"prompt": f"Draw {PROMPT} [[sim fault={name}]]"})
        yield Request("POST", f"{API}/images/generations", KEY, drawing)


def rude_requests() -> Iterator[tuple[bytes, bool]]:
    """Bytes that no client library would send, and whether the client then leaves at once."""
    body = json.dumps(question("pace=5", stream=True)).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n".encode()
    yield head + b"X-Bad: " + KEY.encode() + b"\x00\r\n\r\n", False
    yield head + b"Content-Length: " + KEY.encode() + b"\r\n\r\n", False
    yield f"POST /{HIDDEN}/{KEY} HTTP/9.9 {KEY}\r\n\r\n".encode(), False
    yield f"GET /{HIDDEN}/?{'&'.join([KEY] * 2000)} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), False
    yield f"GET /{HIDDEN} HTTP/1.1\r\nHost: {KEY} {KEY}\r\n\r\n".encode(), False
    yield f"{KEY}\r\n\r\n".encode(), False
    yield f"{KEY} /{HIDDEN} HTTP/1.1\r\n{KEY}\r\n\r\n".encode(), False
    yield head + b"Transfer-Encoding: " + KEY.encode() + b"\r\n\r\n", False
    yield head + b"Transfer-Encoding: chunked\r\n\r\n" + KEY.encode() + b"\r\n", False
    yield head + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + KEY.encode() + b"\r\n", False
    yield head + b"Content-Length: 900\r\n\r\n" + body[:100], True
    yield head + b"Content-Length: %d\r\n\r\n" % len(body) + body, True


def send_rudely(port: int, data: bytes, *, leave: bool) -> bytes:
    """Send bytes, and read what comes, unless we leave at once."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(data)
        try:
            while not leave and (piece := connection.recv(65536)):
                received += piece
        except ConnectionError:
            pass
    return received
