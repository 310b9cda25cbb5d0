"""One line a request, for people or for machines, with what it took and what it cost."""

import json
import logging
import re
import sys
from pathlib import Path

import pytest

from logs.setup import JsonFormatter, TextFormatter, outputs
from simulator import Knobs
from tests.service.deployment import deployed, question


def requests(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [record.__dict__["fields"] for record in caplog.records if "fields" in record.__dict__]


async def test_line_of_a_stream_has_its_times_tokens_and_units(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed() as service:
        answer = await service.chat(stream=True)
    (line,) = requests(caplog)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["route"], line["model"], line["status"], line["outcome"]) == ("chat", "gpt-4-s", 200, "ok")
    assert (line["units"], line["ttft"]) == (14, pytest.approx(line["duration"], abs=5))
    assert line["prompt_tokens"]
    assert line["completion_tokens"]


async def test_refused_request_cost_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed(knobs=Knobs(fault="token_expired")) as service:
        await service.chat()
    (line,) = requests(caplog)
    assert (line["status"], line["outcome"], line["units"]) == (401, "upstream_refused", 0)
    assert line["completion_tokens"] is None


async def test_continued_reply_cost_two_conversations(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed(knobs=Knobs(busy=False, cap=0, finish="max_tokens", tokens=40)) as service:
        await service.chat()
    assert requests(caplog)[-1]["units"] == 28


async def test_images_cost_what_their_conversations_cost(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed() as service:
        await service.post({"prompt": "a fox"}, path="/v1/images/generations")
    assert requests(caplog)[-1]["units"] == 14


async def test_time_per_token_is_observed_once_per_stream() -> None:
    async with deployed(knobs=Knobs(busy=False, cap=0, tokens=50)) as service:
        await service.post(question(stream=True))
        exposed = service.server.service.metrics.expose("")[0].decode()
    assert 'pandora_time_per_output_token_seconds_count{model="gpt-4-s"} 1.0' in exposed


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
    stdout, in_file = outputs("json", str(file))
    in_file.emit(record)
    in_file.close()
    stdout.close()
    assert json.loads(file.read_text())["request_id"] == "req_1"


def test_unwritable_log_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        outputs("text", str(tmp_path))
