"""A simulated ChatGPT-web backend, as a proxy offers it: for demos, tests and development.

    simulator = Simulator(prefix="abcdefgh1", knobs=Knobs(pace=40))
    await simulator.start(port=0)  # then simulator.port, simulator.url
    ...                            # POST {simulator.url}/abcdefgh1/backend-api/conversation
    await simulator.stop()

or `python -m simulator --port 8181 --prefix abcdefgh1` in a terminal.

A key is valid if it looks like one: `fk-...`, `pk-...`, or three base64url parts with dots between them.
`fk-dead...`, `fk-deactivated...`, `fk-workspace...` and `sk-...` are refused as the backend refuses, and so
is a token whose `exp` has passed. Conversations and files are those of one account. `POST /__sim/accounts`
says what is the matter with single accounts.

`simulator.state` tells what was received and done, and so does `GET /__sim/state`; `POST /__sim/knobs` with a
JSON object sets new defaults. One request changes knobs for itself with a marker in its last user message,
for example `Hello [[sim pace=25 step=3 chunk=7 newline=crlf fault=reset_mid]]`; a name alone means 1. The
marker is removed before the question is answered.
"""

from simulator.gizmos import GIZMOS
from simulator.knobs import DEMO_KNOBS, Knobs, describe_knobs
from simulator.server import Simulator

__doc__ += "\n" + describe_knobs()

__all__ = ["DEMO_KNOBS", "GIZMOS", "Knobs", "Simulator"]
