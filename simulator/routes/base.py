"""What every route does: note the request, check the key, refuse in the backend's own words."""

import json
from contextlib import suppress
from http.client import responses
from types import TracebackType
from typing import Any

from tornado.web import HTTPError, RequestHandler

from simulator.backend import Backend
from simulator.files import StoredFile
from simulator.messages import JsonObject
from simulator.refusals import NOT_FOUND, Refusal, Refused, invalid, named_refusal
from simulator.state import RequestSeen


class BackendHandler(RequestHandler):
    """Base of all routes. ``key`` is the caller's key where the route needs one."""

    needs_key = True
    takes_json = True

    def initialize(self, backend: Backend) -> None:
        """Tornado's hook for the route's arguments."""
        self.backend = backend
        self.key = ""

    def set_default_headers(self) -> None:
        """The backend sits behind a server that does not tell its version."""
        self.set_header("Server", "simulator")

    def prepare(self) -> None:
        """Note the request, then look at the key. Raises Refused."""
        self.seen = RequestSeen(
            self.request.method or "",
            self.request.path,
            dict(self.request.headers.get_all()),
            self._noted_body(),
        )
        self.backend.state.requests.append(self.seen)
        if self.needs_key:
            self.key = self.backend.accounts.authenticate(self.request.headers.get("Authorization"))
            self.other_fault()

    def other_fault(self) -> None:
        """What the knob ``other_fault`` does to every call but the conversation. Raises Refused."""
        refusal = named_refusal(self.backend.knobs.other_fault)
        if refusal:
            raise Refused(refusal.with_body(self.backend.knobs.body))

    def on_finish(self) -> None:
        """Complete the note."""
        self.seen.status = self.get_status()

    def json_body(self) -> Any:
        """The body as JSON. Raises Refused (422)."""
        if isinstance(self.seen.body, int):
            raise Refused(invalid([([], "Expecting value", "value_error.jsondecode")]))
        return self.seen.body

    def object_body(self) -> JsonObject:
        """The body as a JSON object. Raises Refused (422)."""
        body = self.json_body()
        if not isinstance(body, dict):
            raise Refused(invalid([([], "value is not a valid dict", "type_error.dict")]))
        return body

    def reply(self, content: JsonObject) -> None:
        """A JSON answer, non-ASCII escaped as the backend does."""
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(content))

    @property
    def root_url(self) -> str:
        """Scheme, host and port by which the caller reached us."""
        return f"{self.request.protocol}://{self.request.host}"

    def download_url(self, file: StoredFile) -> str:
        """A signed address that needs no bearer."""
        return f"{self.root_url}/__files/{file.id}?{self.backend.state.files.query(file, 'get')}"

    def directory(self, file: StoredFile) -> None:
        """The answer of a directory call: the address, or ``retry`` for now."""
        file.lookups += 1
        if not file.is_ready:
            self.reply({"status": "retry"})
            return
        found = {"status": "success", "download_url": self.download_url(file), "metadata": {}}
        self.reply({**found, "file_name": file.name, "creation_time": file.created})

    def refuse(self, refusal: Refusal) -> None:
        """An error answer as it stands."""
        self.set_status(refusal.status, responses.get(refusal.status, "Unknown"))
        self.set_header("Content-Type", refusal.content_type)
        self.finish(refusal.body)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tornado's hook: everything raised ends here."""
        problem = kwargs["exc_info"][1]
        if isinstance(problem, Refused):
            self.refuse(problem.refusal)
        else:
            self.refuse(Refusal.detail(status_code, responses.get(status_code, "Unknown")))

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Refusals are ordinary here; only real bugs are logged."""
        if not isinstance(value, Refused | HTTPError):
            super().log_exception(typ, value, tb)

    def _noted_body(self) -> Any:
        if self.takes_json:
            with suppress(ValueError):
                return json.loads(self.request.body)
        return len(self.request.body)


class NotFoundHandler(BackendHandler):
    """Any other path, a wrong prefix above all."""

    needs_key = False

    def prepare(self) -> None:
        """Note and refuse."""
        super().prepare()
        self.refuse(NOT_FOUND)
