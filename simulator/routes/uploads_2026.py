"""The last step of an upload since 2026: lines tell how far it is (protocol notes, section 20.9)."""

import asyncio
import json
from itertools import pairwise

from simulator.files import StoredFile
from simulator.refusals import Refused, invalid
from simulator.routes.accounts_2026 import Handler2026

_EVENTS = ("file.processing.started", "file.processing.file_ready", "file.processing.completed")


class ProcessUploadHandler(Handler2026):
    """POST files/process_upload_stream."""

    async def post(self) -> None:
        """Lines of JSON, the last of which says that the file can be used. Raises Refused (404, 422)."""
        file_id = self.object_body().get("file_id")
        if not isinstance(file_id, str):
            raise Refused(invalid([(["file_id"], "field required", "value_error.missing")]))
        file = self.backend.state.files.find(self.key, file_id)
        if file.content is None:
            raise Refused(invalid([(["file_id"], "the file was not uploaded", "value_error")]))
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self._write_event(file, _EVENTS[0], 0)
        for _, event in pairwise(_EVENTS):
            await asyncio.sleep(self.backend.knobs.process_time / 2)
            file.is_registered = file.is_registered or event == _EVENTS[-1]
            self._write_event(file, event, 100)
            await self.flush()

    def _write_event(self, file: StoredFile, event: str, progress: int) -> None:
        line = {"file_id": file.id, "event": event, "message": event, "progress": progress, "extra": {}}
        self.write(json.dumps(line) + "\n")
