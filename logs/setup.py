"""Where log lines go and how they look: text for people or JSON for machines, to stdout, perhaps a file.

A request's line carries its fields apart (``extra={"fields": {...}}``), so that both forms come from one
place. No field ever holds a key, a prefix or a word of a conversation.
"""

import json
import logging
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_BYTES = 10 << 20
FILES_KEPT = 5
TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time`` (RFC 3339), ``level``, ``logger``, ``message``, and the fields."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
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
    """The message, and the fields behind it as ``name=value``."""

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            shown = " ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
            record = logging.makeLogRecord(
                record.__dict__ | {"msg": f"{record.getMessage()} {shown}", "args": ()}
            )
        return super().format(record)


def outputs(form: str, file: str) -> list[logging.Handler]:
    """Where lines go, in the form ``text`` or ``json``. Raises OSError if ``file`` cannot be written."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(
            RotatingFileHandler(file, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
        )
    for handler in handlers:
        handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(TEXT))
    return handlers


def configure(*, level: str, form: str, file: str) -> None:
    """Set up logging for the process. Raises OSError as `outputs` does."""
    logging.basicConfig(level=level.upper(), handlers=outputs(form, file))
    # Below that it quotes malformed headers, keys included.
    logging.getLogger("tornado.general").setLevel(logging.WARNING)
