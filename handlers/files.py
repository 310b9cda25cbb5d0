"""`/v1/files`: files that a caller stores here, and names by their ids in later requests.

They are kept by this service and put on the backend when they are used, on whatever account that is. Who has
another key sees none of them: an id of somebody else is a 404.
"""

import re
from collections.abc import Callable
from contextlib import closing
from typing import Final
from urllib.parse import quote

from accounts import Caller
from catalogue import CallerModels
from handlers.base import ApiHandler
from handlers.body import BodyHandler
from handlers.stored_file import send_stored
from translate.openai import Form, FormBody
from translate.values import BadRequest, InternalError, NotFound, TooLarge, json_bytes
from uploads import NoSpace, NoSuchUpload, OwnFiles, Upload, UploadFailed

PURPOSES: Final = ("assistants", "batch", "evals", "fine-tune", "user_data", "vision")
"""What the official service takes; here it makes no difference."""
MAX_PAGE: Final = 10_000
SHORTEST_LIFE: Final = 3600
LONGEST_LIFE: Final = 2592000
"""Seconds, as the official service has them."""
NUMBER: Final = re.compile(r"[0-9]{1,9}")

OwnFilesOf = Callable[[Caller], OwnFiles]


class FilesHandler(BodyHandler[FormBody]):
    """Storing a file, and the list of those that there are."""

    route = "files"
    content_type = "multipart/form-data"

    def initialize(self, own_files: OwnFilesOf, models: CallerModels) -> None:
        """`own_files` gives what a caller has stored; `models` knows whom the backend has answered."""
        self.own_files = own_files
        self.models = models

    def new_body(self) -> FormBody:
        """A form, with the boundary that the headers name."""
        return FormBody(self.request.headers.get("Content-Type", ""))

    async def post(self) -> None:
        """Store the file of the field `file`. Raises ApiError."""
        form = await self.parsed(FormBody.read_form)
        files = form.files.get("file", ())
        if len(files) != 1:
            raise BadRequest("The form must bring one file in the field 'file'.", param="file")
        purpose = form.fields.get("purpose", "")
        if purpose not in PURPOSES:
            raise BadRequest(f"'purpose' must be one of {', '.join(PURPOSES)}.", param="purpose")
        lives = _lives(form)
        await self.prove_key(self.models)
        try:
            stored = await self.own_files(self.caller).add(
                files[0].data, files[0].name or "file", purpose, lives
            )
        except NoSpace as error:
            raise TooLarge(str(error), code="files_full") from None
        except UploadFailed as error:
            raise InternalError(str(error), should_retry=True) from None
        self.send_body(json_bytes(file_object(stored)))

    async def get(self) -> None:
        """A page of the list. Raises ApiError."""
        own = self.own_files(self.read_caller())
        limit, after = self.get_query_argument("limit", str(MAX_PAGE)), self.get_query_argument("after", "")
        order, purpose = self.get_query_argument("order", "desc"), self.get_query_argument("purpose", "")
        if not NUMBER.fullmatch(limit) or not 1 <= int(limit) <= MAX_PAGE:
            raise BadRequest(f"'limit' must be a number from 1 to {MAX_PAGE}.", param="limit")
        if order not in ("asc", "desc"):
            raise BadRequest("'order' must be 'asc' or 'desc'.", param="order")
        try:
            found = [upload for upload in await own.list() if not purpose or upload.purpose == purpose]
        except UploadFailed as error:
            raise InternalError(str(error)) from None
        if order == "asc":
            found.reverse()
        if after:
            ids = [upload.id for upload in found]
            if after not in ids:
                raise BadRequest("'after' names no file.", param="after")
            found = found[ids.index(after) + 1 :]
        page = found[: int(limit)]
        self.send_body(
            json_bytes(
                {
                    "object": "list",
                    "data": [file_object(upload) for upload in page],
                    "first_id": page[0].id if page else None,
                    "last_id": page[-1].id if page else None,
                    "has_more": len(found) > len(page),
                }
            )
        )

    head = get


class OneFileHandler(ApiHandler):
    """What the routes of one file have in common."""

    route = "files"

    def initialize(self, own_files: OwnFilesOf) -> None:
        """`own_files` gives what a caller has stored."""
        self.own_files = own_files


class FileHandler(OneFileHandler):
    """One file: what is known of it, and its end."""

    async def get(self, file_id: str) -> None:
        """What is known of it. Raises ApiError."""
        try:
            upload = await self.own_files(self.read_caller()).get(file_id)
        except NoSuchUpload:
            raise _not_found(file_id) from None
        self.send_body(json_bytes(file_object(upload)))

    head = get

    async def delete(self, file_id: str) -> None:
        """Delete it here; what a conversation has had of it stays on the backend. Raises ApiError."""
        try:
            await self.own_files(self.read_caller()).delete(file_id)
        except NoSuchUpload:
            raise _not_found(file_id) from None
        except UploadFailed as error:
            raise InternalError(str(error)) from None
        self.send_body(json_bytes({"id": file_id, "object": "file", "deleted": True}))


class FileContentHandler(OneFileHandler):
    """The bytes of one file."""

    async def get(self, file_id: str) -> None:
        """All of them, as a download: what is in them is never run. Raises ApiError."""
        own = self.own_files(self.read_caller())
        try:
            upload, stored = await own.get(file_id), await own.open(file_id)
        except NoSuchUpload:
            raise _not_found(file_id) from None
        with closing(stored) as file:
            self.set_header("Content-Type", "application/octet-stream")
            self.set_header("Content-Disposition", _disposition(upload.filename))
            self.set_header("X-Content-Type-Options", "nosniff")
            self.set_header("Cache-Control", "no-store")
            self.set_header("Content-Length", str(file.size))
            if self.request.method == "HEAD":
                self.finish()
            else:
                await send_stored(self, file, 0, file.size)

    head = get


def file_object(upload: Upload) -> dict[str, object]:
    """OpenAI's `file`."""
    about: dict[str, object] = {
        "id": upload.id,
        "object": "file",
        "bytes": upload.size,
        "created_at": upload.created_at,
        "filename": upload.filename,
        "purpose": upload.purpose,
        "status": "processed",
        "status_details": None,
    }
    if upload.expires_at is not None:
        about["expires_at"] = upload.expires_at
    return about


def _lives(form: Form) -> int | None:
    """How long the file is to be kept, in seconds; None if the form does not say it. Raises BadRequest."""
    fields = form.fields
    anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return None
    if anchor != "created_at":
        raise BadRequest("'expires_after[anchor]' must be 'created_at'.", param="expires_after")
    if seconds is None or not NUMBER.fullmatch(seconds):
        raise BadRequest("'expires_after[seconds]' must be a number.", param="expires_after")
    if not SHORTEST_LIFE <= int(seconds) <= LONGEST_LIFE:
        raise BadRequest(
            f"'expires_after[seconds]' must be from {SHORTEST_LIFE} to {LONGEST_LIFE}.", param="expires_after"
        )
    return int(seconds)


def _not_found(file_id: str) -> NotFound:
    return NotFound(f"No such File object: {file_id[:100]}", param="id", code="file_not_found")


def _disposition(filename: str) -> str:
    """A download under the name that the caller has given (RFC 6266, RFC 8187)."""
    plain = re.sub(r"[^\w.-]", "_", filename, flags=re.ASCII)
    extended = "" if plain == filename else f"; filename*=UTF-8''{quote(filename, safe='')}"
    return f'attachment; filename="{plain}"{extended}'
