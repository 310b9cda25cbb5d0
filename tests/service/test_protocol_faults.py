"""What is no valid HTTP is answered as all errors are, with one log line and one count."""

import logging

import pytest

from tests.eventually import eventually
from tests.service.deployment import Deployment, deployed

POST = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer fk-canary\r\n"
FAULTS = {
    "length": POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "body": POST + "Transfer-Encoding: chunked\r\n\r\nzz\r\ncanary\r\n",
    "host": "GET /v1/models HTTP/1.1\r\nAuthorization: Bearer fk-canary\r\n\r\n",
    "line_end": "GET /v1/models HTTP/1.1\nHost: x\nAuthorization: Bearer fk-canary\n\n",
    "header": "GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer fk-canary\r\n\r\n",
    "request_line": "GET /v1/models canary\r\nHost: x\r\n\r\n",
}


def counted(service: Deployment, reason: str) -> float | None:
    registry = service.server.service.metrics.registry
    return registry.get_sample_value("pandora_protocol_faults_total", {"reason": reason})


@pytest.mark.parametrize("reason", FAULTS)
async def test_fault_is_answered_logged_and_counted_once_and_quoted_nowhere(
    reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "tornado.general")  # as `configure_logs` does
    caplog.set_level(logging.DEBUG)
    async with deployed() as service, service.connect() as client:
        await client.send_raw(FAULTS[reason].encode())
        answer = await client.answer()
        assert answer.status == 400
        assert answer.error["type"] == "invalid_request_error"
        assert await client.closed_within(5)
        assert counted(service, reason) == 1
    (line,) = [record.__dict__["fields"] for record in caplog.records if hasattr(record, "fields")]
    assert line == {"request_id": answer.headers["x-request-id"], "reason": reason, "status": 400}
    assert "canary" not in caplog.text + answer.body.decode()


async def test_upload_that_its_client_breaks_off_is_logged_and_counted_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with deployed() as service, service.connect() as client:
        await client.send_raw((POST + "Content-Length: 1000\r\n\r\n{").encode())
        await eventually(
            lambda: service.server.service.metrics.registry.get_sample_value("pandora_connections") == 1
        )
        client.close()
        await eventually(lambda: counted(service, "incomplete") == 1)
    assert len([record for record in caplog.records if hasattr(record, "fields")]) == 1


async def test_request_whose_client_stops_sending_at_once_has_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whether its end is seen before it is answered, or even before it is begun, is a matter of luck."""

    def lines() -> int:
        return len([record for record in caplog.records if hasattr(record, "fields")])

    async with deployed() as service:
        for number in range(20):
            async with service.connect() as client:
                await client.send_raw(
                    b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer fk-x\r\n\r\n"
                )
                client.half_close()
                assert await client.closed_within(10)
            await eventually(lambda number=number: lines() == number + 1)  # type: ignore[misc]
    assert lines() == 20
