"""What was spent lately, in memory: today's units by caller and account, the windows, the caps reported.

Pure: the time is passed in, in Unix seconds. The wall clock may jump. An entry belongs to the day of its own
time, and one from the future counts as of now, so that no window lasts longer than it should.
"""

from bisect import insort
from collections import Counter
from typing import Final

from ledger.limits import CurrentUsage, Limits
from ledger.records import Capped, Posted, Subject

KEPT_DAYS: Final = 3
"""How many days of units are remembered; more than one, so that a clock may jump and come back."""
MAX_CAP_SECONDS: Final = 7 * 86400
"""An announced cap that lasts longer is not believed."""
SWEEP_ABOVE: Final = 1000
"""How many windows and caps are held before those that are over are looked for."""


class UsageCounters:
    """Only subjects that have spent something take memory."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._days: dict[int, Counter[Subject]] = {}
        self._totals: dict[int, int] = {}
        self._windows: dict[Subject, list[float]] = {}
        self._caps: dict[tuple[Subject, str], float] = {}
        self._lent: set[Subject] = set()  # callers on accounts of the operator's: as many as keys are given
        self._sweep_above = SWEEP_ABOVE

    def add(self, posted: Posted) -> None:
        """Count a conversation as spent, for each of its subjects."""
        self._add_units(posted, posted.units)
        if posted.account:
            self._lent.add(posted.caller)
        if posted.windowed:
            for subject in posted.subjects:
                insort(self._windows.setdefault(subject, []), posted.at)

    def refund(self, posted: Posted) -> None:
        """Count it no longer: it cost nothing after all."""
        self._add_units(posted, -posted.units)
        for subject in posted.subjects if posted.windowed else ():
            times = self._windows.get(subject, [])
            if posted.at in times:
                times.remove(posted.at)
                if not times:
                    del self._windows[subject]

    def record_cap(self, capped: Capped, now: float) -> None:
        """Remember that the backend has capped a model for an account."""
        if now < capped.until <= now + MAX_CAP_SECONDS:
            self._caps[capped.owner, capped.slug] = capped.until
            if len(self._windows) + len(self._caps) > self._sweep_above:
                self._sweep(now)

    def overwrite(self, subject: Subject, day: int, usage: CurrentUsage, *, at_least: bool = False) -> None:
        """Take over what all instances together have spent, as a shared store knows it. `at_least`: it has
        lost some of that, so what is known here is not forgotten.
        """
        subjects = self._days.setdefault(day, Counter())
        own_units, window = usage.own_units, Counter(usage.window)
        if at_least:
            own_units = max(own_units, subjects[subject])
            window |= Counter(self._windows.get(subject, ()))
        subjects[subject] = own_units
        if not own_units:
            del subjects[subject]
        self._windows[subject] = sorted(window.elements())
        if not self._windows[subject]:
            del self._windows[subject]
        self.overwrite_total(day, usage.units, at_least=at_least)

    def overwrite_total(self, day: int, units: int, *, at_least: bool = False) -> None:
        """Take over what all instances together have spent in a day, likewise."""
        self._days.setdefault(day, Counter())
        self._totals[day] = max(units, self._totals.get(day, 0)) if at_least else units
        self._forget_days(day)

    def current_usage(self, subject: Subject, slug: str, now: float) -> CurrentUsage:
        """What counts against the limits when `subject` is asked for the model `slug`."""
        day = self._limits.day(now)
        until = self._caps.get((subject, slug), 0.0)
        if until and not now < until <= now + MAX_CAP_SECONDS:
            del self._caps[subject, slug]
            until = 0.0
        subjects = self._days.get(day)
        own_units = subjects[subject] if subjects is not None else 0
        return CurrentUsage(self._totals.get(day, 0), own_units, self._window(subject, now), until)

    def units(self, now: float) -> int:
        """Units of today, of all callers."""
        return self._totals.get(self._limits.day(now), 0)

    def busiest_window(self, now: float) -> list[float]:
        """The times in the fullest window of an account, be it the operator's or a caller's own."""
        self._sweep(now)
        windows = (times for subject, times in self._windows.items() if subject not in self._lent)
        return max(windows, key=len, default=[])

    def capped_slugs(self, now: float) -> set[str]:
        """Models, as the backend calls them, that are capped for some account."""
        return {slug for (_, slug), until in self._caps.items() if until > now}

    def caps(self, subject: Subject, now: float) -> dict[str, float]:
        """The models, as the backend calls them, that are capped for one account, and until when."""
        return {
            slug: until for (owner, slug), until in self._caps.items() if owner == subject and until > now
        }

    def all_caps(self, now: float) -> list[tuple[Subject, str, float]]:
        """Each account, a model that is capped for it, as the backend calls it, and until when."""
        return [(owner, slug, until) for (owner, slug), until in self._caps.items() if until > now]

    def _window(self, subject: Subject, now: float) -> list[float]:
        times = self._windows.get(subject)
        if times is None:
            return []
        if times[-1] > now:
            times[:] = [min(at, now) for at in times]
        if times[0] <= now - self._limits.window:
            times[:] = [at for at in times if at > now - self._limits.window]
            if not times:
                del self._windows[subject]
        return times

    def _add_units(self, posted: Posted, units: int) -> None:
        day = self._limits.day(posted.at)
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = Counter()
        for subject in posted.subjects:
            known[subject] += units
            if not known[subject]:
                del known[subject]
        self._totals[day] = self._totals.get(day, 0) + units
        self._forget_days(day)
        if len(self._windows) > self._sweep_above:
            self._sweep(posted.at)

    def _forget_days(self, day: int) -> None:
        while len(self._totals) > KEPT_DAYS:
            farthest = max(self._totals, key=lambda known: (abs(known - day), known))
            self._totals.pop(farthest)
            self._days.pop(farthest, None)

    def _sweep(self, now: float) -> None:
        """Drop windows and caps that are over; the bound grows with what is really in use."""
        for subject in list(self._windows):
            self._window(subject, now)
        self._caps = {known: until for known, until in self._caps.items() if until > now}
        self._sweep_above = max(SWEEP_ABOVE, 2 * (len(self._windows) + len(self._caps)))
