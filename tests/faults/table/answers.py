"""Whole answers that are no event stream: refusals, pages of gateways, and the unusual."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from simulator.refusals import CLOUDFLARE_PAGE, GATEWAY_PAGE, ONLY_ONE_MESSAGE, REFUSALS
from tests.faults.cells import BEFORE_HEADERS, Ending, Failure, Fault, Phase, Verdict
from tests.faults.play import answer, just
from tests.faults.table.connections import BROKEN
from tests.scripted_server import Verb, fin, send, status

DETAIL = b'{"detail": "Internal Server Error"}'
BEGUN = b'{"detail": "Interrupted", "conversation_id": "c1"}'
HTML = "text/html; charset=UTF-8"
PAGE = GATEWAY_PAGE.encode()
CHALLENGE = Failure(503, "upstream_challenge")


def _answer(
    name: str, ending: Ending, verdict: Verdict, *verbs: Verb, repeated: bool = False, **env: str
) -> Fault:
    return Fault(
        name,
        Phase.REFUSING,
        ending,
        verdict,
        script=just(*verbs),
        repeated=repeated,
        shapes=BEFORE_HEADERS,
        env=env,
    )


def _refused(name: str, ending: Failure, refusal: str) -> Fault:
    said = REFUSALS[refusal]
    return _answer(name, ending, Verdict.REFUSED, *answer(said.status, said.body, said.content_type), fin())


def _in(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


RATE = REFUSALS["too_many_requests"].body
REFUSED = (
    _refused("401", Failure(401, "invalid_api_key"), "token_expired"),
    _refused("403, account deactivated", Failure(403, "deactivated_workspace"), "deactivated_workspace"),
    _refused("403 with a challenge", CHALLENGE, "challenge_required"),
    _refused("403 with a challenge page", CHALLENGE, "cloudflare"),
    _answer("503 with a challenge page", CHALLENGE, Verdict.REFUSED,
            *answer(503, CLOUDFLARE_PAGE.encode(), HTML), fin()),
    _refused("404, unknown model", Failure(404, "model_not_found"), "model_not_found"),
    _refused("413", Failure(400, "context_length_exceeded"), "message_length_exceeds_limit"),
    _refused("422", Failure(400, "invalid_value"), "validation"),
    _refused("429, message cap", Failure(429, "rate_limit_exceeded", wait=(5300, 5400)),
             "model_cap_exceeded"),
    _answer("429, a number of seconds", Failure(429, "rate_limit_exceeded", wait=(30, 30)), Verdict.REFUSED,
            *answer(429, RATE, Retry_After="30"), fin()),
    _answer("429, a date", Failure(429, "rate_limit_exceeded", wait=(3000, 3600)), Verdict.REFUSED,
            *answer(429, RATE, Retry_After=_in(3600)), fin()),
    _answer("429, one message at a time", Failure(429, "rate_limit_exceeded", wait=(1, 60)), Verdict.REFUSED,
            *answer(429, ONLY_ONE_MESSAGE.body, Retry_After="1"), fin(), repeated=True),
    _answer("500 in JSON", BROKEN, Verdict.MAYBE, *answer(500, DETAIL), fin()),
    _answer("503 in JSON", Failure(503, "server_is_overloaded", wait=(1, 1)), Verdict.REFUSED,
            *answer(503, DETAIL, Retry_After="1"), fin(), repeated=True),
    _answer("redirect", BROKEN, Verdict.REFUSED, *answer(307, Location="/elsewhere"), fin()),
    _answer("200 with an error in JSON", BROKEN, Verdict.REFUSED, *answer(200, b'{"detail": "No."}'), fin()),
)  # fmt: skip

UNCLEAR = (
    _answer("502 page", BROKEN, Verdict.MAYBE, *answer(502, PAGE, HTML), fin()),
    _answer("504", BROKEN, Verdict.MAYBE, *answer(504), fin()),
    _answer("504 page", BROKEN, Verdict.MAYBE, *answer(504, PAGE, HTML), fin()),
    _answer("520 page", BROKEN, Verdict.MAYBE, *answer(520, PAGE, HTML), fin()),
    _answer("524", BROKEN, Verdict.MAYBE, *answer(524), fin()),
    _answer("500 without a body", BROKEN, Verdict.MAYBE, *answer(500), fin()),
    _answer("500, body cut", BROKEN, Verdict.MAYBE,
            status(500, {"Content-Type": "application/json", "Content-Length": "500"}), send(b'{"de'), fin()),
    _answer("200 with a page", CHALLENGE, Verdict.MAYBE, *answer(200, PAGE, HTML), fin()),
    _answer("200 with other JSON", BROKEN, Verdict.MAYBE, *answer(200, b"{}"), fin()),
    _answer("200 without type and body", BROKEN, Verdict.MAYBE, *answer(200, kind=""), fin()),
    _answer("204", BROKEN, Verdict.MAYBE, status(204), fin()),
)  # fmt: skip

BEGUN_ALL_THE_SAME = (
    _answer("500 with a conversation id", BROKEN, Verdict.ACCEPTED, *answer(500, BEGUN), fin()),
    _answer("200, JSON with a conversation id", BROKEN, Verdict.ACCEPTED, *answer(200, BEGUN), fin()),
)  # fmt: skip

ANSWERS = (*REFUSED, *UNCLEAR, *BEGUN_ALL_THE_SAME)
