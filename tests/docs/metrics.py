"""The metrics of the service, as documents name them."""

from handlers.app import ROUTES
from metrics import Metrics

METRICS = Metrics(ROUTES, ["gpt-4-s"])
METRICS.accounts.keep(["an-account"], ["a-key"])
COLLECTED = [family for family in METRICS.registry.collect() if family.name.startswith("pandora_")]


def exported(name: str, kind: str) -> str:
    """The name under which a scraper sees it."""
    return f"{name}_total" if kind == "counter" else name
