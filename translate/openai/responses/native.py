"""What the backend's own abilities did, as items of a response: searches, programs, drawings.

An item is written as its steps: it is added, tells how far it is, and is done. The items of one response come
one after the other, so that what is open is closed before anything else is written.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from translate.values import (
    Asset,
    CodeDelta,
    Event,
    ItemEnded,
    ItemKind,
    ItemStarted,
    JsonObject,
    Native,
    OutputDelta,
    Picture,
    PictureShown,
    PictureWanted,
    WebAction,
    WebUsed,
    json_bytes,
)


@dataclass(frozen=True, slots=True)
class Added:
    """An item begins; `item` is JSON."""

    item: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """How far the item `id` is: an event of the type `kind` with these `fields`, JSON from a comma on."""

    kind: str
    id: str
    fields: bytes = b""


@dataclass(frozen=True, slots=True)
class Done:
    """The item is complete; `item` is JSON."""

    item: bytes


Step = Added | Told | Done


class NativeItems:
    """Give `take` each event of the answer, and write its steps; `close` gives those of what is open.

    `abilities` are those that were asked for: others stand in the text. `new_id` makes an id with a prefix,
    `container` is the id of what programs run in.
    """

    def __init__(self, abilities: frozenset[Native], new_id: Callable[[str], str], container: str) -> None:
        self._programs = Native.CODE_INTERPRETER in abilities
        self._drawings = Native.IMAGE_GENERATION in abilities
        self._new_id = new_id
        self._container = container
        self._program: _Program | None = None
        self._drawing = ""  # the id of the item that is open

    @property
    def open_items(self) -> list[bytes]:
        """What is not complete, as it would be if it was closed now."""
        if self._program is not None:
            return [self._program.item("completed")]
        return [json_bytes(_drawing(self._drawing, "failed"))] if self._drawing else []

    def take(self, event: Event) -> Iterator[Step]:
        """The steps that an event makes; what it is no part of is closed first."""
        match event:
            case WebUsed(_, action):
                yield from self.close()
                yield from _searched(self._new_id("ws"), action)
            case ItemStarted(ItemKind.CODE) if self._programs:
                yield from self.close()
                yield from self._new_program().begin()
            case CodeDelta(pieces) if self._program is not None:
                yield from self._program.write(pieces)
            case ItemEnded(ItemKind.CODE) if self._program is not None:
                yield from self._program.run()
            case OutputDelta(pieces):
                program = self._program
                if program is None:
                    yield from self.close()
                    program = self._new_program()
                    yield from program.begin()
                program.log(pieces)
            case PictureWanted(asset) if self._drawings and not asset.chart:
                yield from self.close()
                yield from self._begin_drawing()
            case PictureShown(asset, picture):
                yield from self._show(asset, picture)

    def close(self) -> Iterator[Step]:
        """End what is open: something else follows, or the answer is over."""
        if self._program is not None:
            program, self._program = self._program, None
            yield from program.end()
        if self._drawing:
            id, self._drawing = self._drawing, ""
            yield Done(json_bytes(_drawing(id, "failed")))

    def _new_program(self) -> "_Program":
        program = self._program = _Program(self._new_id("ci"), self._container)
        return program

    def _begin_drawing(self) -> Iterator[Step]:
        id = self._drawing = self._new_id("ig")
        yield Added(json_bytes(_drawing(id, "in_progress")))
        yield Told("response.image_generation_call.in_progress", id)
        yield Told("response.image_generation_call.generating", id)

    def _show(self, asset: Asset, picture: Picture) -> Iterator[Step]:
        if asset.chart:
            if self._program is not None:
                self._program.show(picture.address)
            return
        id, self._drawing = self._drawing, ""
        if id:
            yield Told("response.image_generation_call.completed", id)
            yield Done(_drawn(id, asset, picture))


class _Program:
    """One run of the backend's Python; its texts are kept as insides of JSON strings."""

    def __init__(self, id: str, container: str) -> None:
        self._id = id
        self._container = container
        self._code = bytearray()
        self._logs = bytearray()
        self._charts: list[str] = []
        self._running = False

    def begin(self) -> Iterator[Step]:
        yield Added(self.item("in_progress"))
        yield Told("response.code_interpreter_call.in_progress", self._id)

    def write(self, pieces: Sequence[bytes]) -> Iterator[Step]:
        for piece in pieces:
            self._code += piece
            yield Told("response.code_interpreter_call_code.delta", self._id, b',"delta":"%b"' % piece)

    def run(self) -> Iterator[Step]:
        if not self._running:
            self._running = True
            code = b',"code":"%b"' % bytes(self._code)
            yield Told("response.code_interpreter_call_code.done", self._id, code)
            yield Told("response.code_interpreter_call.interpreting", self._id)

    def log(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self._logs += piece

    def show(self, address: str) -> None:
        self._charts.append(address)

    def end(self) -> Iterator[Step]:
        yield from self.run()
        yield Told("response.code_interpreter_call.completed", self._id)
        yield Done(self.item("completed"))

    def item(self, status: str) -> bytes:
        outputs = [b'{"type":"logs","logs":"%b"}' % bytes(self._logs)] if self._logs else []
        outputs += [json_bytes({"type": "image", "url": address}) for address in self._charts]
        head: JsonObject = {"id": self._id, "type": "code_interpreter_call", "status": status}
        head["container_id"] = self._container
        return b'%b,"code":"%b","outputs":[%b]}' % (
            json_bytes(head)[:-1],
            bytes(self._code),
            b",".join(outputs),
        )


def _searched(id: str, action: WebAction) -> Iterator[Step]:
    """One use of the browser, which is over when it is told."""
    item: JsonObject = {"id": id, "type": "web_search_call", "status": "in_progress"}
    item["action"] = _action(action)
    yield Added(json_bytes(item))
    for stage in ("in_progress", "searching", "completed"):
        yield Told(f"response.web_search_call.{stage}", id)
    yield Done(json_bytes({**item, "status": "completed"}))


def _action(action: WebAction) -> JsonObject:
    if action.queries:
        return {"type": "search", "query": action.queries[0], "queries": list(action.queries)}
    if action.pattern:
        return {"type": "find_in_page", "url": action.url, "pattern": action.pattern}
    return {"type": "open_page", "url": action.url}


def _drawing(id: str, status: str) -> JsonObject:
    return {"id": id, "type": "image_generation_call", "status": status, "result": None}


def _drawn(id: str, asset: Asset, picture: Picture) -> bytes:
    head: JsonObject = {"id": id, "type": "image_generation_call", "status": "completed"}
    if asset.prompt:
        head["revised_prompt"] = asset.prompt
    return b'%b,"result":"%b"}' % (json_bytes(head)[:-1], picture.base64.encode())
