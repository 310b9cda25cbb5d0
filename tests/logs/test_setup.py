"""Two forms of a log line, and where it goes."""

import json
import logging
import re
import sys
from pathlib import Path

import pytest

from logs.setup import JsonFormatter, TextFormatter, log_handlers


@pytest.fixture
def record() -> logging.LogRecord:
    return logging.makeLogRecord(
        {
            "name": "pandora",
            "levelname": "INFO",
            "levelno": logging.INFO,
            "msg": "request",
            "fields": {"request_id": "req_1", "model": None, "status": 200},
        }
    )


def test_text_puts_the_fields_behind_the_message(record: logging.LogRecord) -> None:
    assert (
        TextFormatter("%(levelname)s %(message)s").format(record)
        == "INFO request request_id=req_1 status=200"
    )


def test_json_is_one_object_a_line_with_the_time_in_utc(record: logging.LogRecord) -> None:
    line = JsonFormatter().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["time"])
    assert {key: told[key] for key in ("level", "logger", "message", "request_id", "status")} == {
        "level": "info",
        "logger": "pandora",
        "message": "request",
        "request_id": "req_1",
        "status": 200,
    }


def test_json_holds_a_traceback_on_the_same_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        failed = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", None, sys.exc_info())
    line = JsonFormatter().format(failed)
    assert "\n" not in line
    assert "ValueError: broken" in json.loads(line)["exception"]


def test_log_goes_to_a_file_too_whose_folder_is_made(tmp_path: Path, record: logging.LogRecord) -> None:
    file = tmp_path / "logs" / "service.log"
    stdout, in_file = log_handlers("json", str(file))
    in_file.emit(record)
    in_file.close()
    stdout.close()
    assert json.loads(file.read_text())["request_id"] == "req_1"


def test_unwritable_log_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        log_handlers("text", str(tmp_path))
