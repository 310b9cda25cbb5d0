"""A stand-in for the ChatGPT-web backend as a proxy offers it: for demos, tests and development.

    sim = Simulator(prefix="abcdefgh1", knobs=Knobs(pace=40))
    await sim.start(port=0)        # sim.port, sim.url
    ...                            # POST {sim.url}/abcdefgh1/backend-api/conversation
    await sim.stop()

or ``python -m simulator --port 8181 --prefix abcdefgh1`` in a terminal of its own.

Keys are accepted by their looks: ``fk-...``, ``pk-...``, or three base64url parts with dots between them;
``fk-dead...``, ``fk-deactivated...``, ``fk-workspace...`` and ``sk-...`` are refused in the backend's
words.

``sim.state`` shows what was seen and done, also as ``GET /__sim/state``; ``POST /__sim/knobs`` with a
JSON object sets new defaults. One request changes knobs for itself with a marker in its last user message,
for example ``Hello [[sim pace=25 step=3 chunk=7 newline=crlf fault=reset_mid]]``; a bare name means 1. The
marker is taken out before the question is read.
"""

from simulator.knobs import DEMO_KNOBS, Knobs, describe_knobs
from simulator.server import Simulator

__doc__ += "\n" + describe_knobs()

__all__ = ["DEMO_KNOBS", "Knobs", "Simulator"]
