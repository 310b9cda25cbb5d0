"""What proves that the backend does not have a route for conversations."""

from typing import Final

from translate.backend import Said, said_by
from upstream.http import JsonAnswer

ABSENT_STATUSES: Final = (404, 405)


def may_be_absent(answer: JsonAnswer) -> bool:
    """Whether `answer` may mean that the backend does not have the route, and has not read what was posted.

    A 404 with a reason that the backend is known for is about something else, such as the conversation.
    """
    if answer.status not in ABSENT_STATUSES:
        return False
    return answer.status == 405 or said_by(answer.body) not in (Said.BEGUN, Said.REFUSED)
