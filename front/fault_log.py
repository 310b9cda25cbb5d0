"""The one log line of a request that no handler has seen to its end."""

import logging
import secrets

from front.faults import refusal, status_of
from metrics import ProtocolFault

log = logging.getLogger("pandora")


def log_fault(fault: ProtocolFault, *, answered: bool) -> bytes:
    """Write the line. Give the response to send if it is `answered`, else nothing."""
    request_id = "req_" + secrets.token_hex(16)
    status = status_of(fault) if answered else None
    log.info(
        "protocol fault",
        extra={"fields": {"request_id": request_id, "reason": fault.value, "status": status}},
    )
    return refusal(fault, request_id) if answered else b""
