"""The simulator's own routes, for tests in other processes. They stand outside the prefix and need no key."""

import json

from tornado.web import RequestHandler

from simulator.backend import Backend
from simulator.knobs import Knobs, UnknownKnob


class ControlHandler(RequestHandler):
    """Base of both: not part of the simulated backend, so nothing is noted."""

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
        """The defaults in force."""
        self.finish(self.backend.knobs.as_json())

    def post(self) -> None:
        """New defaults: those given, all others as built in. 400 for what no knob can be."""
        try:
            body = json.loads(self.request.body)
            self.backend.knobs = Knobs().set(body)
        except (UnknownKnob, ValueError, AttributeError) as problem:
            self.set_status(400)
            self.finish({"error": str(problem)})
            return
        self.get()
