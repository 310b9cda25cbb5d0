"""HTTP and WebSocket routes of the simulated backend."""

from simulator.routes.table import make_application

__all__ = ["make_application"]
