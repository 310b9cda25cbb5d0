"""Answers that go on elsewhere (protocol notes, section 20.7): followed to their end, without a second POST.

A `Follower` follows one turn by the ways that the backend offers: the user's WebSocket of today, the resume
endpoint, and the stored conversation. Whatever comes goes to a `Reader`, which says when it has all.
"""

from upstream.elsewhere.follower import Follower
from upstream.elsewhere.limits import FollowLimits, Paces
from upstream.elsewhere.pursuit import Reader
from upstream.elsewhere.user_sockets import UserSockets

__all__ = ["FollowLimits", "Follower", "Paces", "Reader", "UserSockets"]
