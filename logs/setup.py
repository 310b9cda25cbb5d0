"""Where log lines go and how they look: text for people or JSON for machines, to stdout, perhaps a file.

The line of a request carries its fields apart from its message (`extra={"fields": {...}}`), so that both
forms come from one place. No field holds a key, a prefix or a word of a conversation.
"""

import json
import logging
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

FILE_BYTES: Final = 10 << 20
"""Size at which a log file is rotated."""
FILES_KEPT: Final = 5
TEXT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time` (RFC 3339), `level`, `logger`, `message`, and the fields."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.format`."""
        line: dict[str, object] = {
            "time": self.formatTime(record) + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line |= fields
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """The message, followed by the fields as `name=value`."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.formatMessage`: the line without what tells of an exception."""
        line, fields = super().formatMessage(record), getattr(record, "fields", None)
        if not isinstance(fields, dict):
            return line
        return " ".join((line, *(f"{name}={value}" for name, value in fields.items() if value is not None)))


def log_handlers(form: str, file: str) -> list[logging.Handler]:
    """Handlers for stdout and, if it is not empty, the file `file`; `form` is `text` or `json`.

    Raises:
        OSError: the file cannot be written.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(
            RotatingFileHandler(file, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
        )
    for handler in handlers:
        handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(TEXT))
    return handlers


def configure_logs(*, level: str, form: str, file: str) -> None:
    """Set up logging for the process; `level` is one of logging's, `form` and `file` as in `log_handlers`.

    Raises:
        OSError: the file cannot be written.
    """
    logging.basicConfig(level=level.upper(), handlers=log_handlers(form, file))
    # On lower levels it quotes malformed headers, keys included.
    logging.getLogger("tornado.general").setLevel(logging.WARNING)
