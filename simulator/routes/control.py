"""The simulator's own routes, outside the prefix and without a key, for tests in other processes."""

import json

from tornado.web import RequestHandler

from simulator.backend import Backend
from simulator.knobs import InvalidKnob, Knobs


class ControlHandler(RequestHandler):
    """Base of both; their requests are not recorded, since they are no calls of the backend."""

    def initialize(self, backend: Backend) -> None:
        """Tornado's hook for the route's arguments."""
        self.backend = backend


class StateHandler(ControlHandler):
    """GET /__sim/state."""

    def get(self) -> None:
        """`State.as_json`."""
        self.finish(self.backend.state.as_json())


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
