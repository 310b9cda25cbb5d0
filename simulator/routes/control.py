"""The simulator's own routes, outside the prefix and without a key, for tests in other processes."""

import json

from tornado.web import RequestHandler

from simulator.backend import Backend
from simulator.conditions import Condition
from simulator.knob_values import InvalidKnob
from simulator.knobs import Knobs


class ControlHandler(RequestHandler):
    """Base of all; their requests are not recorded, since they are no calls of the backend."""

    def initialize(self, backend: Backend) -> None:
        """Tornado's hook for the route's arguments."""
        self.backend = backend


class StateHandler(ControlHandler):
    """GET /__sim/state."""

    def get(self) -> None:
        """`State.as_json`, with the `accounts`."""
        self.finish({**self.backend.state.as_json(), "accounts": self.backend.accounts.as_json()})


class ConditionsHandler(ControlHandler):
    """GET and POST /__sim/accounts."""

    def get(self) -> None:
        """`Accounts.as_json`."""
        self.finish(self.backend.accounts.as_json())

    def post(self) -> None:
        """Set the conditions given by name of an account, or by key; what one does not say is healthy.

        400 for an unknown knob or an invalid value; nothing is set then.
        """
        try:
            body = json.loads(self.request.body)
            conditions = {name: Condition.of(settings) for name, settings in body.items()}
        except (InvalidKnob, ValueError, AttributeError) as problem:
            self.set_status(400)
            self.finish({"error": str(problem)})
            return
        for name, condition in conditions.items():
            self.backend.accounts.set_condition(name, condition)
        self.get()


class KnobsHandler(ControlHandler):
    """GET and POST /__sim/knobs."""

    def get(self) -> None:
        """The present defaults."""
        self.finish(self.backend.knobs.as_json())

    def post(self) -> None:
        """Set the knobs given and reset all others; 400 for an unknown knob or an invalid value."""
        try:
            body = json.loads(self.request.body)
            self.backend.knobs = Knobs().set(body)
        except (InvalidKnob, ValueError, AttributeError) as problem:
            self.set_status(400)
            self.finish({"error": str(problem)})
            return
        self.get()
