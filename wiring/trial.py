"""The parts with which the settings are tried without a service."""

from dataclasses import dataclass

from roster import Roster
from settings import Settings
from translate.values import Catalogue
from upstream import HttpClient
from wiring.backend import PROGRESS_SECONDS, http_client
from wiring.models import load_offer
from wiring.rosters import load_roster
from wiring.traces import make_tracer

__all__ = ["PartsToCheck", "parts_to_check"]


@dataclass(frozen=True, slots=True)
class PartsToCheck:
    """What the settings can be tried with."""

    catalogue: Catalogue
    roster: Roster
    http: HttpClient


async def parts_to_check(settings: Settings) -> PartsToCheck:
    """Make the parts that may refuse the settings; nothing is written, started or asked.

    Raises:
        SettingsError: a service with these settings would not start.
    """
    if (tracer := make_tracer(settings, "")) is not None:
        await tracer.close()
    roster = load_roster(settings, simulated=False).current
    catalogue = load_offer(settings, ()).catalogue
    return PartsToCheck(catalogue, roster, http_client(settings, PROGRESS_SECONDS))
