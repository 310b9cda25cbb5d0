"""Requests as they run, and the last ones: for people who watch, without words of a request."""

from activity.activity import KEPT, SHOWN, Activity, Seen
from activity.requests import EndedRequest, Progress, RunningRequest, ended_as_json, running_as_json
from activity.watch import Watch

__all__ = [
    "KEPT",
    "SHOWN",
    "Activity",
    "EndedRequest",
    "Progress",
    "RunningRequest",
    "Seen",
    "Watch",
    "ended_as_json",
    "running_as_json",
]
