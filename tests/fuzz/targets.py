"""The parsers of what comes from outside: inputs to begin with, how to damage them, and what must hold.

A check raises whatever the parser raises although it should not, or AssertionError.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recordings import RecordedTurn, explain
from recordings.turn import Piece, RecordedStream
from tests.fuzz.bodies import check_body, original_bodies, random_body
from tests.fuzz.calls import calls_seeds, check_calls, damaged_calls
from tests.fuzz.cases import HEADER, NEXT, Case, all_sent, case_of, header_for
from tests.fuzz.check import check
from tests.fuzz.mutations import RAW, TEXTS, VALUES, mutated
from tests.fuzz.seeds import seeds
from tests.golden.frames import bodies
from tests.transport.outcome import outcome
from translate.anthropic import Envelope, MessagesRequest, messages_request
from translate.backend import EndFinder, Frame, read_frame
from translate.openai import (
    ChatRequest,
    Form,
    FormBody,
    JsonBody,
    ResponseDraft,
    ResponseFacts,
    chat_request,
    check_outputs,
    envelope,
    messages_of,
    references,
    resolved,
    responses_request,
)
from translate.tools import instructed
from translate.values import ApiError
from transport.chunked import ChunkedDecoder


@dataclass(frozen=True, slots=True)
class Target:
    """One parser."""

    seeds: Callable[[], Sequence[bytes]]
    damaged: Callable[[random.Random, bytes], bytes]
    """Another input, made of one with what is known of its form; depends on nothing else."""
    check: Callable[[bytes], None]

    def random_input(self, rng: random.Random) -> bytes:
        """A damaged seed; the same one for the same state of `rng`."""
        return self.damaged(rng, rng.choice(self.seeds()))


# Event streams and their dialects.


def _streams() -> list[bytes]:
    return [header_for(seed.sent) + seed.stream for seed in seeds() if seed.stream]


def _damaged_stream(rng: random.Random, data: bytes) -> bytes:
    header, stream = bytearray(data[:HEADER].ljust(HEADER, b"\0")), data[HEADER:]
    if rng.random() < 0.5:
        header[1:] = rng.randbytes(HEADER - 1)
    stream, _, following = stream.partition(NEXT)
    stream = mutated(rng, stream, rng.choice(seeds()).stream)
    if rng.random() < 0.2:
        following = mutated(rng, rng.choice(seeds()).stream, b"")
    return bytes(header) + stream + (NEXT + following if following else b"")


def _check_stream(data: bytes) -> None:
    check(case_of(data))


# Frames of a WebSocket, one a line; the first byte tells what was sent.


def _frames() -> list[bytes]:
    return [header_for(seed.sent, b"") + "\n".join(seed.frames).encode() for seed in seeds() if seed.frames]


def _damaged_frames(rng: random.Random, data: bytes) -> bytes:
    frames = data[1:].split(b"\n")
    for _ in range(rng.choice((0, 1, 2, 5))):
        at, kind = rng.randrange(len(frames)), rng.randrange(5)
        if kind == 0 and len(frames) > 1:
            del frames[at]
        elif kind == 1:
            frames.insert(rng.randint(0, len(frames)), frames[at])
        elif kind == 2:
            frames[at] = frames[at][: rng.randint(0, 300)]
        elif kind == 3:
            frames.insert(at, _changed_frame(rng, frames[at]))
        else:
            frames.insert(at, rng.choice((b"\xff", b"", b"[]", b"1", b'{"type": "system"}', b"{" * 2000)))
    return data[:1] + b"\n".join(frames)


def _changed_frame(rng: random.Random, frame: bytes) -> bytes:
    try:
        changed = json.loads(frame)
        place = rng.choice((changed, changed["data"]))
        place[rng.choice(list(place))] = rng.choice((*VALUES, *TEXTS))
    except (ValueError, LookupError, TypeError, RecursionError):
        return rng.choice(RAW)
    return json.dumps(changed).encode()


def _check_frames(data: bytes) -> None:
    frames = data[1:].split(b"\n")
    for message in frames:
        frame = read_frame(message)
        if isinstance(frame, Frame):
            assert frame.sequence >= 0
            assert not (frame.damaged and frame.body), "a damaged piece is shown"
    pieces = tuple(bodies(frames))
    whole, cut = EndFinder(), EndFinder()
    found = any([cut.found(piece) for piece in pieces])
    assert whole.found(b"".join(pieces)) == found, "the end depends on the cuts"
    check(Case(all_sent()[data[0] % len(all_sent()) if data else 0], pieces))


# Responses over HTTP: the framing of their bodies, and the bodies that are no streams. The first byte tells
# whether the body is framed, and how it is cut.


def _responses() -> list[bytes]:
    framed = [
        b"%x;x=y\r\n%b\r\n0\r\nx: y\r\n\r\n" % (len(body), body) for body in original_bodies()[:9] if body
    ]
    small = b"".join(b"1\r\n%c\r\n" % byte for byte in b"data: {}\n\n") + b"0\r\n\r\n"
    return [*(b"\x03" + body for body in (*framed, small)), *(b"\x00" + body for body in original_bodies())]


def _damaged_response(rng: random.Random, data: bytes) -> bytes:
    kind, body = data[:1] or b"\0", data[1:]
    if kind[0] % 2 == 0:
        return kind + random_body(rng)
    at = rng.randint(0, len(body))
    odd = rng.choice((*RAW, b"0\r\n", b"ffffffffffffffff\r\n", b"-1\r\n", b";", b"\r", b" ", b"1\n"))
    return bytes([rng.randrange(1, 256, 2)]) + body[:at] + odd + body[at + rng.choice((0, 0, 1, 9)) :]


def _check_response(data: bytes) -> None:
    kind, body = (data[0] if data else 0), data[1:]
    if kind % 2 == 0:
        check_body(body)
        return
    whole = _decoded(body, len(body) or 1)
    assert _decoded(body, kind // 2 + 1) == whole, "the content depends on the cuts"
    assert len(whole[0]) <= len(body)


def _decoded(body: bytes, size: int) -> tuple[bytes, bool, bool]:
    """The content before the first mistake, whether it ended, and whether there was a mistake."""
    decoder, content = ChunkedDecoder(), b""
    for at in range(0, len(body), size):
        try:
            content += decoder.feed(body[at : at + size])
        except ValueError:
            return b"", decoder.ended, True
    return content, decoder.ended, False


# Whole answers of a server, and what may stand behind them.

HEADS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 429 \r\nRetry-After: 5\r\nContent-Length: 9\r\nKeep-Alive: timeout=5\r\n\r\n",
    b"HTTP/1.0 200 OK\nConnection: close\n\n",
)


def _answers() -> list[bytes]:
    return [head + b"4\r\ndata\r\n2;x\r\n: \r\n0\r\nT: 1\r\n\r\nHTTP/1.1" for head in HEADS]


def _damaged_answer(rng: random.Random, data: bytes) -> bytes:
    at = rng.randint(0, len(data))
    odd = rng.choice(
        (*RAW, b"\r\n", b"\n", b"\r", b" ", b":", b",", b"Content-Length: 2\r\n", b"\xe9", b"\0")
    )
    return data[:at] + odd + data[at + rng.choice((0, 0, 1, 9)) :]


def _check_answer(data: bytes) -> None:
    whole = outcome([data])
    assert outcome([data[at : at + 7] for at in range(0, len(data), 7)]) == whole, "it depends on the cuts"
    assert len(whole.content) + len(whole.excess) <= len(data)


# Bodies of requests: JSON, and forms, which begin with their boundary.

FORM_START = b"--x"
FORM = (
    b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nA cat\r\n'
    b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\n\x89PNG\r\n--x--\r\n"
)


def _requests() -> list[bytes]:
    question = {"role": "user", "content": "Hello"}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    file = {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,QQ=="}}
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "Done."}, picture]}
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^x"}}, "required": ["a"]}
    function = {"name": "f", "description": "Does it.", "strict": True, "parameters": schema}
    custom = {"name": "g", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "a"}}}
    tools = [{"type": "function", "function": function}, {"type": "custom", "custom": custom}]
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": tools}}
    asked: list[dict[str, object]] = [
        {"messages": [question], "stream": True, "stream_options": {"include_usage": True}},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "What?"}, picture, file]}]},
        {"messages": [question, {"role": "assistant", "content": None, "tool_calls": [call]}, question]},
        {
            "messages": [question],
            "stop": ["a", "b"],
            "n": 1,
            "temperature": 0.5,
            "tools": [],
            "tool_choice": "auto",
        },
        {
            "messages": [question, {"role": "assistant", "tool_calls": [call]}, result],
            "tools": tools,
            "tool_choice": allowed,
            "parallel_tool_calls": False,
        },
        {
            "messages": [question, {"role": "assistant", "function_call": {"name": "f", "arguments": "{"}}],
            "functions": [function],
            "function_call": {"name": "f"},
        },
        {
            "messages": [question],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "strict": True, "schema": schema},
            },
        },
        {"messages": [question], "n": 1.0, "modalities": ["text"], "response_format": {"type": "text"}},
    ]
    bodies = [json.dumps({"model": "gpt-4-s"} | fields).encode() for fields in asked]
    return [*bodies, FORM]


def _damaged_request(rng: random.Random, data: bytes) -> bytes:
    if not data.startswith(FORM_START):
        return random_body(rng, (data,))
    at = rng.randint(len(FORM_START), len(data))
    odd = rng.choice((*RAW, b"--x", b"\r\n--x", b"--x--", b'name="', b"filename*=utf-8''%", b";", b":"))
    return data[:at] + odd + data[at + rng.choice((0, 0, 1, 9)) :]


def _check_request(data: bytes) -> None:
    if data.startswith(FORM_START):
        whole_form, cut_form = _read_form(data, len(data)), _read_form(data, 7)
        assert _told(whole_form) == _told(cut_form), "the form depends on the cuts"
        return
    request = _read_request(data, len(data) or 1)
    assert _told(_read_request(data, 7)) == _told(request), "the request depends on the cuts"
    if isinstance(request, ApiError):
        return
    assert request.model
    assert request.messages
    assert len(request.stop) <= 4
    assert all(request.stop)
    told = instructed(request.messages, request.toolbox, request.format, "7f3a9c12")
    assert all(message.text or message.attachments for message in told)
    assert not any(message.calls or message.results for message in told)


def _read_request(body: bytes, size: int) -> ChatRequest | ApiError:
    reader = JsonBody()
    try:
        for at in range(0, len(body), size):
            reader.feed(body[at : at + size])
        return chat_request(reader.read_object())
    except ApiError as error:
        return error


def _read_form(body: bytes, size: int) -> Form | ApiError:
    reader = FormBody("multipart/form-data; boundary=x")
    try:
        for at in range(0, len(body), size):
            reader.feed(body[at : at + size])
        return reader.read_form()
    except ApiError as error:
        return error


# Bodies of requests of Anthropic's Messages API.


def _messages() -> list[bytes]:
    text = {"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    document = {"type": "document", "title": "a", "source": {"type": "text", "data": "A."}}
    thought = {"type": "thinking", "thinking": "Hmm.", "signature": "x"}
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": "x"}}
    found = [text, picture, {"type": "tool_reference", "tool_name": "g"}]
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": found, "is_error": True}
    page = {"type": "search_result", "title": "A", "source": "https://a.example", "content": [text]}
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    tool = {"name": "f", "description": "Does it.", "strict": True, "input_schema": schema}
    tools = [
        tool,
        {**tool, "name": "g", "defer_loading": True},
        {"type": "web_search_20250305", "name": "web"},
    ]
    history = [
        {"role": "user", "content": [text, picture, document, page]},
        {"role": "system", "content": [text]},
        {"role": "assistant", "content": [thought, text, call]},
        {"role": "user", "content": [result, text]},
    ]
    asked: list[dict[str, object]] = [
        {"messages": [{"role": "user", "content": "Hello"}], "stop_sequences": ["a"], "stream": True},
        {"messages": history, "system": [text, text], "tools": tools, "tool_choice": {"type": "any"}},
        {"messages": history, "tools": tools, "tool_choice": {"type": "tool", "name": "f"}},
        {
            "messages": history[:1],
            "thinking": {"type": "enabled", "budget_tokens": 2000},
            "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": schema}},
        },
    ]
    return [json.dumps({"model": "gpt-4-s", "max_tokens": 100} | fields).encode() for fields in asked]


def _damaged_message(rng: random.Random, data: bytes) -> bytes:
    return random_body(rng, (data,))


def _check_message(data: bytes) -> None:
    request = _read_message(data)
    if isinstance(request, ApiError):
        assert 400 <= request.status < 500
        assert json.loads(Envelope("req_1").write(request))["error"]["message"]
        return
    assert request.model
    assert any(message.role != "system" for message in request.messages)
    assert all(request.stop)
    told = instructed(request.messages, request.toolbox, request.format, "7f3a9c12")
    assert all(message.text or message.attachments for message in told)
    assert not any(message.calls or message.results for message in told)


def _read_message(body: bytes) -> MessagesRequest | ApiError:
    reader = JsonBody()
    try:
        reader.feed(body)
        return messages_request(reader.read_object())
    except ApiError as error:
        return error


# Bodies of requests for responses.


def _asked_responses() -> list[bytes]:
    text = {"type": "input_text", "text": "Hello"}
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"}
    file = {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,QQ=="}
    call = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c1", "output": [text, picture]}
    patch = {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "x"}
    patched = {"type": "custom_tool_call_output", "call_id": "c2", "output": "done"}
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    function = {"type": "function", "name": "f", "description": "Does it.", "parameters": schema}
    space = {"type": "namespace", "name": "s", "tools": [function, {"type": "custom", "name": "h"}]}
    custom = {"type": "custom", "name": "g", "format": {"type": "grammar", "definition": "a"}}
    tools = [function, custom, space, {"type": "web_search"}, {"type": "tool_search"}]
    items = [
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "id": "msg_1", "role": "user", "content": [text, picture, file]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
        {**call, "namespace": "s"},
        patch,
        patched,
        result,
        {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "q"}},
        {"type": "additional_tools", "tools": [function]},
        {"type": "item_reference", "id": "msg_0"},
    ]
    asked: list[dict[str, object]] = [
        {"input": "Hello", "instructions": "Be brief.", "stream": True, "metadata": {"a": "b"}},
        {"input": items, "tools": tools, "tool_choice": "required", "store": False},
        {"input": items, "tools": tools, "tool_choice": {"type": "allowed_tools", "tools": [function]}},
        {"input": items[:2], "text": {"format": {"type": "json_schema", "name": "x", "schema": schema}}},
        {"input": [text], "reasoning": {"effort": "high", "summary": "auto"}, "previous_response_id": "r"},
    ]
    return [json.dumps({"model": "gpt-4-s"} | fields).encode() for fields in asked]


def _check_asked_response(data: bytes) -> None:
    try:
        reader = JsonBody()
        reader.feed(data)
        request = responses_request(reader.read_object(), lambda prefix: f"{prefix}_new")
        items = resolved(request.items, {id: {"type": "reasoning"} for id in references(request.items)})
        check_outputs(items, {})
        messages = messages_of(items, {})
    except ApiError as error:
        _told(error)
        return
    assert request.model
    assert all(
        message.text or message.attachments or message.calls or message.results for message in messages
    )
    if messages:
        told = instructed(messages, request.tools.toolbox, request.format, "7f3a9c12")
        assert not any(message.calls or message.results for message in told)
    facts = ResponseFacts("resp_1", 0, request.model, True, request.echo, spaces=request.tools.spaces)
    draft = ResponseDraft(facts, lambda prefix: f"{prefix}_1", lambda: 0.0)
    assert json.loads(draft.begun())["status"] == "in_progress"


def _told(result: object) -> object:
    """The result, or what an error says to the caller."""
    if not isinstance(result, ApiError):
        return result
    assert 400 <= result.status < 500
    return json.loads(envelope(result))


def _check_recording(data: bytes) -> None:
    """A recording of it can be redacted, written, read and explained."""
    stream = data[HEADER:]
    recorded = RecordedStream(0.0, [("u1", "user")], [Piece(0.0, stream)])
    turn = RecordedTurn(0.0, "whole", {}, (0, ""), [recorded]).redacted()
    assert len(turn.streams[0].pieces[0].data) == len(stream)
    assert list(explain(RecordedTurn.from_file(turn.as_file())))


TARGETS = {
    "recording": Target(_streams, _damaged_stream, _check_recording),
    "stream": Target(_streams, _damaged_stream, _check_stream),
    "answer": Target(_answers, _damaged_answer, _check_answer),
    "response": Target(_responses, _damaged_response, _check_response),
    "websocket": Target(_frames, _damaged_frames, _check_frames),
    "request": Target(_requests, _damaged_request, _check_request),
    "message": Target(_messages, _damaged_message, _check_message),
    "calls": Target(calls_seeds, damaged_calls, check_calls),
    "asked_response": Target(_asked_responses, _damaged_message, _check_asked_response),
}
