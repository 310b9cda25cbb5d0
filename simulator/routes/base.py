"""What all routes have in common: they record the request, check the key and refuse as the backend does."""

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
from simulator.state import ObservedRequest


class BackendHandler(RequestHandler):
    """Base of all routes of the backend.

    `key` is the name of the caller's account where the route needs a key, else "": see `Accounts`. What an
    account has is kept by it.
    """

    needs_key = True
    has_json_body = True

    def initialize(self, backend: Backend) -> None:
        """Tornado's hook for the route's arguments."""
        self.backend = backend
        self.key = ""

    def set_default_headers(self) -> None:
        """The server in front of the backend does not tell its version."""
        self.set_header("Server", "simulator")

    def prepare(self) -> None:
        """Record the request, then check the key. Raises Refused."""
        self.observed = ObservedRequest(
            self.request.method or "",
            self.request.path,
            dict(self.request.headers.get_all()),
            self._recorded_body(),
            size=len(self.request.body),
        )
        self.backend.state.add_request(self.observed)
        if self.needs_key:
            given = self.request.headers
            workspace = given.get("ChatGPT-Account-Id") if self.backend.version.is_2026 else None
            self.key = self.backend.accounts.authenticate(given.get("Authorization"), workspace)
            self.apply_other_fault()

    def apply_other_fault(self) -> None:
        """The knob `other_fault`, which concerns all calls but POST conversation. Raises Refused."""
        refusal = named_refusal(self.backend.knobs.other_fault)
        if refusal:
            raise Refused(refusal.with_body(self.backend.knobs.body))

    def on_finish(self) -> None:
        """Tornado's hook: the status is known now."""
        self.observed.status = self.get_status()

    def json_body(self) -> Any:
        """The body as JSON. Raises Refused (422)."""
        if isinstance(self.observed.body, int):
            raise Refused(invalid([([], "Expecting value", "value_error.jsondecode")]))
        return self.observed.body

    def object_body(self) -> JsonObject:
        """The body as a JSON object. Raises Refused (422)."""
        body = self.json_body()
        if not isinstance(body, dict):
            raise Refused(invalid([([], "value is not a valid dict", "type_error.dict")]))
        return body

    def reply(self, content: JsonObject | list[JsonObject]) -> None:
        """Answer with JSON, in ASCII as the backend writes it."""
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(content))

    @property
    def root_url(self) -> str:
        """Scheme, host and port that the caller used."""
        return f"{self.request.protocol}://{self.request.host}"

    def download_url(self, file: StoredFile) -> str:
        """A signed address, which needs no bearer (protocol notes, section 10)."""
        return f"{self.root_url}/__files/{file.id}?{self.backend.state.files.signed_query(file, 'get')}"

    def reply_download(self, file: StoredFile) -> None:
        """Answer a lookup of a file: with its address, or with `retry` as long as the file is not ready."""
        file.lookups += 1
        if not file.is_ready:
            self.reply({"status": "retry"})
            return
        if self.backend.version.is_2026:
            self.reply(self._found_in_2026(file))
            return
        found = {"status": "success", "download_url": self.download_url(file), "metadata": {}}
        self.reply({**found, "file_name": file.name, "creation_time": file.created})

    def _found_in_2026(self, file: StoredFile) -> JsonObject:
        """An address that needs the session, as all of 2026 do (protocol notes, section 20.6)."""
        query = self.backend.state.files.estuary_query(file)
        official = file.knobs.estuary == "official"
        root = "https://chatgpt.com" if official else f"{self.root_url}{self.api_root}"
        return {
            "status": "success",
            "download_url": f"{root}/backend-api/estuary/content?{query}",
            "metadata": None,
            "file_name": file.name,
            "creation_time": None,
            "no_auth_user_upload": False,
            "mime_type": file.media_type,
            "file_size_bytes": len(file.content or b""),
        }

    @property
    def api_root(self) -> str:
        """What stands before `/backend-api` in the path: the prefix."""
        return self.request.path.partition("/backend-api")[0]

    def refuse(self, refusal: Refusal) -> None:
        """Answer with a refusal."""
        self.set_status(refusal.status, responses.get(refusal.status, "Unknown"))
        self.set_header("Content-Type", refusal.content_type)
        self.finish(refusal.body)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tornado's hook: answers whatever exception a route raised."""
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
        """Tornado's hook: logs exceptions, but no refusals."""
        if not isinstance(value, Refused | HTTPError):
            super().log_exception(typ, value, tb)

    def _recorded_body(self) -> Any:
        if self.has_json_body:
            with suppress(ValueError):
                return json.loads(self.request.body)
        return len(self.request.body)


class NotFoundHandler(BackendHandler):
    """Any other path, for example one with a wrong prefix (protocol notes, section 14.1)."""

    needs_key = False

    def prepare(self) -> None:
        """Record the request and refuse it."""
        super().prepare()
        self.refuse(NOT_FOUND)
