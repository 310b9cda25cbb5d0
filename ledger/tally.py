"""What was spent lately, in memory: today's units by key, the rolling windows, the caps learnt.

Pure: the time is passed in. The wall clock may jump; entries belong to the day of their own time, and a
time in the future counts as now, so that no window lasts longer than it should.
"""

from bisect import insort
from collections import Counter
from collections.abc import Iterable

from ledger.limits import Limits, Standing
from ledger.records import Capped, Posted

KEPT_DAYS = 3
"""How many days of units are remembered; more than one, so that a clock may jump and come back."""
MAX_CAP_SECONDS = 7 * 86400
"""Longer than that no announced cap is believed."""
SWEEP_ABOVE = 1000
"""Keys with a window or a cap, above which those that are over are looked for."""


class Tally:
    """Only keys that have spent something take memory."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._days: dict[int, Counter[str]] = {}
        self._totals: dict[int, int] = {}
        self._windows: dict[str, list[float]] = {}
        self._caps: dict[tuple[str, str], float] = {}
        self._sweep_at = SWEEP_ABOVE

    def add(self, posted: Posted) -> None:
        """A conversation is counted as spent."""
        self._change(posted, posted.units)
        if posted.windowed:
            insort(self._windows.setdefault(posted.alias, []), posted.at)

    def release(self, posted: Posted) -> None:
        """It cost nothing after all."""
        self._change(posted, -posted.units)
        times = self._windows.get(posted.alias, [])
        if posted.windowed and posted.at in times:
            times.remove(posted.at)
            if not times:
                del self._windows[posted.alias]

    def learn(self, capped: Capped, now: float) -> None:
        """The backend has capped a model for a key."""
        if now < capped.until <= now + MAX_CAP_SECONDS:
            self._caps[capped.alias, capped.slug] = capped.until
            self._sweep(now)

    def observe(self, alias: str, day: int, units: int, key_units: int, window: Iterable[float]) -> None:
        """What all instances together have spent, where that is known better elsewhere."""
        self._totals[day] = units
        self._days.setdefault(day, Counter())[alias] = key_units
        self._windows[alias] = sorted(window)
        if not self._windows[alias]:
            del self._windows[alias]
        self._forget_days(day)

    def standing(self, alias: str, slug: str, now: float) -> Standing:
        """Where a key is with a model."""
        day = self._limits.day(now)
        until = self._caps.get((alias, slug), 0.0)
        if until and not now < until <= now + MAX_CAP_SECONDS:
            del self._caps[alias, slug]
            until = 0.0
        key_units = self._days.get(day, Counter())[alias]
        return Standing(self.units(now), key_units, self._window(alias, now), until)

    def units(self, now: float) -> int:
        """Units of today, all keys."""
        return self._totals.get(self._limits.day(now), 0)

    def busiest_window(self, now: float) -> list[float]:
        """The times in the fullest window."""
        self._sweep(now, at_once=True)
        return max(self._windows.values(), key=len, default=[])

    def capped_slugs(self, now: float) -> set[str]:
        """Models, as the backend calls them, that are capped for some key."""
        return {slug for (_, slug), until in self._caps.items() if until > now}

    def _window(self, alias: str, now: float) -> list[float]:
        times = self._windows.get(alias)
        if times is None:
            return []
        if times[-1] > now:
            times[:] = [min(at, now) for at in times]
        if times[0] <= now - self._limits.window:
            times[:] = [at for at in times if at > now - self._limits.window]
            if not times:
                del self._windows[alias]
        return times

    def _change(self, posted: Posted, units: int) -> None:
        day = self._limits.day(posted.at)
        keys = self._days.setdefault(day, Counter())
        keys[posted.alias] += units
        if not keys[posted.alias]:
            del keys[posted.alias]
        self._totals[day] = self._totals.get(day, 0) + units
        self._forget_days(day)
        if len(self._windows) > self._sweep_at:
            self._sweep(posted.at)

    def _forget_days(self, day: int) -> None:
        while len(self._totals) > KEPT_DAYS:
            farthest = max(self._totals, key=lambda known: (abs(known - day), known))
            self._totals.pop(farthest)
            self._days.pop(farthest, None)

    def _sweep(self, now: float, *, at_once: bool = False) -> None:
        """Let go of windows and caps that are over; the bound grows with what is really in use."""
        if not at_once and len(self._windows) + len(self._caps) <= self._sweep_at:
            return
        for alias in list(self._windows):
            self._window(alias, now)
        self._caps = {known: until for known, until in self._caps.items() if until > now}
        self._sweep_at = max(SWEEP_ABOVE, 2 * (len(self._windows) + len(self._caps)))
