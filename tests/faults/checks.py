"""What must hold of every cell when it is over, whatever the fault."""

from tests.faults.answers import FIRST, TEXT
from tests.faults.cells import Failure, Left, Stopped, Unfinished, Verdict, Whole
from tests.faults.stage import Stage
from tests.raw_client import Answer

PRICE = 14
"""Units of a conversation with the model that all cells ask."""
RETRIED_BY_SDKS = (408, 409, 429)
"""And every 5xx."""


async def check(stage: Stage) -> None:
    """Raise AssertionError if anything is not as it must be. The service is still there, and idle."""
    fault, ending = stage.cell.fault, stage.cell.ending
    _check_client(stage)
    lines = stage.lines
    told = [line.get("outcome") or line["reason"] for line in lines]
    assert told == fault.answered_before * [Whole.outcome] + fault.requests * [ending.outcome], lines
    if isinstance(ending, Unfinished):
        counted = stage.metric("pandora_protocol_faults_total", reason=ending.outcome)
    else:
        counted = stage.metric("pandora_requests_total", outcome=ending.outcome)
    assert counted == told.count(ending.outcome)
    all_counted = stage.metric("pandora_requests_total") + stage.metric("pandora_protocol_faults_total")
    assert all_counted == len(told)
    carried = stage.backend.carried
    assert sum(carried) == fault.answered_before + _posts(stage), "messages that the backend got"
    assert not fault.carried or carried == list(fault.carried), "messages on each connection"
    spent = _spent(stage)
    assert sum(line.get("units") or 0 for line in lines) == spent, lines
    assert await stage.booked_units() == spent, "units in the ledger"
    assert stage.metric("pandora_quota_units_total") == spent
    assert stage.metric("pandora_in_flight") == 0
    assert stage.metric("pandora_queue_waiting") == 0
    loud = [record.getMessage() for record in stage.log if record.levelname in ("ERROR", "CRITICAL")]
    assert not loud


def _posts(stage: Stage) -> int:
    """How many messages the backend must have got, apart from those that were answered well before."""
    fault = stage.cell.fault
    if fault.posts is not None:
        return fault.posts
    if fault.behind is not None:
        return 0
    return fault.requests * (2 if fault.repeated else 1)


def _spent(stage: Stage) -> int:
    """Units of the messages that were accepted, or may have been."""
    if stage.cell.healed:
        return PRICE
    fault = stage.cell.fault
    spent = _posts(stage) if fault.booked or fault.occupied else 0
    return PRICE * (fault.answered_before + spent)


def _check_client(stage: Stage) -> None:
    cell, seen = stage.cell, stage.answer
    ending = cell.ending
    if isinstance(ending, Left | Unfinished):
        assert seen is None
        return
    assert seen is not None
    if isinstance(ending, Whole):
        _check_whole(stage, seen)
    elif cell.fault.opened and cell.shape.stream:
        _check_error_event(seen, ending.code, FIRST if cell.fault.begun else "")
    else:
        _check_error(stage, seen, ending)


def _check_whole(stage: Stage, seen: Answer) -> None:
    assert seen.status == 200, seen.body
    if stage.cell.shape.images:
        (picture,) = seen.json["data"]
        assert "/images/" in picture["url"]
    elif stage.cell.shape.stream:
        assert seen.stream.text == TEXT
        assert seen.stream.done
        assert seen.stream.finish_reasons == ["stop"]
        assert not seen.stream.errors
    else:
        (choice,) = seen.json["choices"]
        assert (choice["message"]["content"], choice["finish_reason"]) == (TEXT, "stop")


def _check_error_event(seen: Answer, code: str, begins: str) -> None:
    """A stream that fails when it has begun: what came, an error event, and no end."""
    assert seen.status == 200
    assert seen.stream.text.startswith(begins)
    assert [error["code"] for error in seen.stream.errors] == [code]
    assert not seen.stream.done
    assert seen.stream.finish_reasons == []


def _check_error(stage: Stage, seen: Answer, ending: Failure | Stopped) -> None:
    """A failure with a status of its own. SDKs do not repeat at once what was repeated here, or is spent."""
    assert (seen.status, seen.error["code"]) == (ending.status, ending.code), seen.body
    wait = ending.wait if isinstance(ending, Failure) else None
    if wait is not None:
        assert wait[0] <= int(seen.headers["retry-after"]) <= wait[1], seen.headers
    if seen.status < 500 and seen.status not in RETRIED_BY_SDKS:
        return
    if stage.cell.fault.verdict in (Verdict.MAYBE, Verdict.ACCEPTED):
        assert seen.headers.get("x-should-retry") == "false"
    else:
        assert seen.headers.get("x-should-retry") == "false" or "retry-after" in seen.headers
