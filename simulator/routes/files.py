"""Files: the three-step upload, lookups, signed addresses, the sandbox (protocol notes, section 3)."""

import asyncio
from urllib.parse import unquote

from simulator.files import FILE_NOT_FOUND, MAX_FILE_BYTES, USE_CASES, StoredFile
from simulator.messages import JsonObject
from simulator.refusals import NOT_FOUND, Refusal, Refused, invalid
from simulator.routes.base import BackendHandler


def failure(code: str, message: str | None = None) -> JsonObject:
    """The body of a call about files that failed, often with status 200."""
    return {"status": "error", "error_code": code, "error_message": message}


class FilesHandler(BackendHandler):
    """POST files: the first step of an upload."""

    def post(self) -> None:
        """A new file's id, and the address for its bytes."""
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
        if self.backend.accounts.condition(self.key).blocks("file_upload"):
            self.reply(failure("file_upload_limit"))
            return
        if size > MAX_FILE_BYTES:
            self.reply(failure("file_too_large"))
            return
        files = self.backend.state.files
        file = files.create_upload(self.key, name, size, use_case, self.backend.knobs)
        address = f"{self.root_url}/__files/{file.id}?{files.signed_query(file, 'put')}"
        self.reply({"status": "success", "file_id": file.id, "upload_url": address})


class UploadedHandler(BackendHandler):
    """POST files/{fid}/uploaded: the third step of an upload."""

    def post(self, file_id: str) -> None:
        """Register the file; an error before the PUT, and for a file that is registered already."""
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
        """The state of a file; for text files clients poll `retrieval_index_status`."""
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
    """GET files/{fid}/download and files/download/{fid}."""

    def get(self, file_id: str) -> None:
        """A signed address, or `retry` while the file is not ready. Raises Refused (404)."""
        file = self.backend.state.files.find(self.key, file_id)
        if self.backend.version.is_2026 and file.knobs.lookup == "attachment" and file.is_generated:
            raise Refused(FILE_NOT_FOUND)
        self.reply_download(file)


class AttachmentHandler(BackendHandler):
    """GET conversation/{cid}/attachment/{fid}/download, since 2026."""

    def get(self, conversation_id: str, file_id: str) -> None:
        """The address of a file of a conversation. Raises Refused (404)."""
        if not self.backend.version.is_2026:
            raise Refused(NOT_FOUND)
        self.backend.state.conversations.find_any(self.key, conversation_id)
        self.reply_download(self.backend.state.files.find(self.key, file_id))


class EstuaryHandler(BackendHandler):
    """GET estuary/content: the files of 2026, for their owner only."""

    has_json_body = False

    async def get(self) -> None:
        """The file's bytes; 403 without the owner's session, or with another address. Raises Refused."""
        names = ("id", "ts", "sig")
        file_id, expires, signature = (self.get_query_argument(name, "") for name in names)
        file = self.backend.state.files.find_by_signature(file_id, "get", expires, signature)
        if file is None or file.owner != self.key:
            raise Refused(Refusal.detail(403, "Forbidden"))
        await asyncio.sleep(file.knobs.download_delay)
        file.downloads += 1
        self.set_header("Content-Type", file.knobs.download_type or file.media_type)
        self.finish(file.content or b"")


class SandboxHandler(BackendHandler):
    """GET conversation/{cid}/interpreter/download?message_id&sandbox_path."""

    def get(self, conversation_id: str) -> None:
        """A signed address, if the message shows the path and the sandbox has not expired."""
        conversation = self.backend.state.conversations.find(self.key, conversation_id)
        message = conversation.message(self.get_query_argument("message_id", ""))
        path = unquote(self.get_query_argument("sandbox_path", "", strip=False))
        file_id = conversation.sandbox_files.get(path)
        if message is None or file_id is None or path not in unquote(message.text):
            self._fail("file_not_found", self.backend.knobs.sandbox_status)
            return
        file = self.backend.state.files.find(self.key, file_id)
        if self.backend.clock() > file.created + file.knobs.sandbox_ttl:
            self._fail("ace_pod_expired", file.knobs.sandbox_status)
        else:
            self.reply_download(file)

    def _fail(self, code: str, status: int) -> None:
        self.set_status(status)
        self.reply(failure(code))


class SignedAddressHandler(BackendHandler):
    """The signed addresses of another host: PUT takes a file, GET gives it; the query is the permission."""

    needs_key = False
    has_json_body = False

    def put(self, file_id: str) -> None:
        """Take the bytes with 201; a bearer has no place here, and is recorded."""
        file = self._file(file_id, "put")
        if file is None:
            return
        file.authorization_on_put = "Authorization" in self.request.headers
        if self.request.headers.get("x-ms-blob-type") != "BlockBlob":
            self._refuse_in_xml(400, "MissingRequiredHeader")
            return
        file.content = self.request.body
        self.set_status(201)

    async def get(self, file_id: str) -> None:
        """The file's bytes."""
        file = self._file(file_id, "get")
        if file is None:
            return
        await asyncio.sleep(file.knobs.download_delay)
        file.downloads += 1
        self.set_header("Content-Type", file.knobs.download_type or file.media_type)
        self.finish(file.content or b"")

    def _file(self, file_id: str, purpose: str) -> StoredFile | None:
        expires, signature = self.get_query_argument("se", ""), self.get_query_argument("sig", "")
        file = self.backend.state.files.find_by_signature(file_id, purpose, expires, signature)
        if file is None:
            self._refuse_in_xml(403, "AuthenticationFailed")
        return file

    def _refuse_in_xml(self, status: int, code: str) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/xml")
        self.finish(f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code></Error>')
