"""Files and GPTS: the three-step upload, the directory call, signed addresses, the sandbox."""

import asyncio
from urllib.parse import unquote

from simulator.files import MAX_FILE_BYTES, USE_CASES, StoredFile
from simulator.gizmos import find_gizmo
from simulator.messages import JsonObject
from simulator.refusals import Refused, invalid
from simulator.routes.base import BackendHandler


def failure(code: str, message: str | None = None) -> JsonObject:
    """How calls about files say no, often with status 200."""
    return {"status": "error", "error_code": code, "error_message": message}


class FilesHandler(BackendHandler):
    """POST files: announces an upload."""

    def post(self) -> None:
        """The file's id and the address to send it to."""
        body = self.object_body()
        name, size, use_case = body.get("file_name"), body.get("file_size"), body.get("use_case")
        if not isinstance(name, str) or not name:
            raise Refused(invalid([(["file_name"], "field required", "value_error.missing")]))
        if not isinstance(size, int) or size < 0:
            raise Refused(invalid([(["file_size"], "value is not a valid integer", "type_error.integer")]))
        if use_case not in USE_CASES:
            raise Refused(
                invalid([(["use_case"], "value is not a valid enumeration member", "type_error.enum")])
            )
        if size > MAX_FILE_BYTES:
            self.reply(failure("file_too_large"))
            return
        files = self.backend.state.files
        file = files.announce(self.key, name, size, use_case, self.backend.knobs)
        address = f"{self.root_url}/__files/{file.id}?{files.query(file, 'put')}"
        self.reply({"status": "success", "file_id": file.id, "upload_url": address})


class UploadedHandler(BackendHandler):
    """POST files/{fid}/uploaded: registers what was sent, once."""

    def post(self, file_id: str) -> None:
        """A download address; an error before the PUT and when registered already."""
        self.object_body()
        file = self.backend.state.files.find(self.key, file_id)
        if file.content is None:
            self.reply(failure("file_not_found", "The file was not uploaded."))
        elif file.is_registered:
            self.reply(failure("file_already_uploaded"))
        else:
            file.is_registered = True
            self.reply({"status": "success", "download_url": self.download_url(file)})


class FileHandler(BackendHandler):
    """GET files/{fid}."""

    def get(self, file_id: str) -> None:
        """State of the file; ``retrieval_index_status`` is polled for text files."""
        file = self.backend.state.files.find(self.key, file_id)
        file.lookups += 1
        indexed = file.is_registered and file.is_ready
        self.reply(
            {
                "id": file.id,
                "name": file.name,
                "size": file.size,
                "use_case": file.use_case,
                "state": "ready" if file.is_registered else "pending",
                "creation_time": file.created,
                "retrieval_index_status": "success" if indexed else "pending",
                "file_size_tokens": len(file.content or b"") // 4 if indexed else None,
            }
        )


class DownloadLookupHandler(BackendHandler):
    """GET files/{fid}/download: the directory call."""

    def get(self, file_id: str) -> None:
        """A signed address, or ``retry`` while the store lags behind."""
        self.directory(self.backend.state.files.find(self.key, file_id))


class SandboxHandler(BackendHandler):
    """GET conversation/{cid}/interpreter/download?message_id&sandbox_path."""

    def get(self, conversation_id: str) -> None:
        """A signed address, if that message shows the path and the sandbox is still there."""
        conversation = self.backend.state.conversations.find(self.key, conversation_id)
        message = conversation.message(self.get_query_argument("message_id", ""))
        path = unquote(self.get_query_argument("sandbox_path", "", strip=False))
        file_id = conversation.sandbox.get(path)
        if message is None or file_id is None or path not in unquote(message.text):
            self._fail("file_not_found", self.backend.knobs.sandbox_status)
            return
        file = self.backend.state.files.find(self.key, file_id)
        if self.backend.clock() > file.created + file.knobs.sandbox_ttl:
            self._fail("ace_pod_expired", file.knobs.sandbox_status)
        else:
            self.directory(file)

    def _fail(self, code: str, status: int) -> None:
        self.set_status(status)
        self.reply(failure(code))


class SignedAddressHandler(BackendHandler):
    """Another host's part: PUT takes a file, GET gives it. No bearer; the query is the permission."""

    needs_key = False
    takes_json = False

    def put(self, file_id: str) -> None:
        """201 for a block blob; a bearer does not belong here, and is noted."""
        file = self._file(file_id, "put")
        if file is None:
            return
        file.authorization_on_put = "Authorization" in self.request.headers
        if self.request.headers.get("x-ms-blob-type") != "BlockBlob":
            self._xml(400, "MissingRequiredHeader")
            return
        file.content = self.request.body
        self.set_status(201)

    async def get(self, file_id: str) -> None:
        """The bytes."""
        file = self._file(file_id, "get")
        if file is None:
            return
        await asyncio.sleep(file.knobs.download_delay)
        file.downloads += 1
        self.set_header("Content-Type", file.knobs.download_type or file.media_type)
        self.finish(file.content or b"")

    def _file(self, file_id: str, purpose: str) -> StoredFile | None:
        expires, signature = self.get_query_argument("se", ""), self.get_query_argument("sig", "")
        file = self.backend.state.files.by_address(file_id, purpose, expires, signature)
        if file is None:
            self._xml(403, "AuthenticationFailed")
        return file

    def _xml(self, status: int, code: str) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/xml")
        self.finish(f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code></Error>')


class GizmoHandler(BackendHandler):
    """GET gizmos/{id}."""

    def get(self, name: str) -> None:
        """By short id or by short id and slug."""
        self.reply(find_gizmo(name).as_json(self.backend.clock()))
