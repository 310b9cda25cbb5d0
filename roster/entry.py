"""One entry of `accounts.json`, field by field: each mistake is told in one line that names both.

What an operator may have put into the wrong place is never repeated: it may be a secret.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, NoReturn

from roster.references import Reference
from roster.roster import RosterError
from translate.values import JsonPairs, breaks_lines, quoted

ALIAS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
ALIAS_FORM: Final = "1 to 40 letters, digits and . _ -, the first a letter or digit"
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
MAX_PATH: Final = 1024
MAX_NAMES: Final = 1000
MODEL: Final = re.compile(r"[!-~]{1,200}")
LAST_MOMENT: Final = 253402300800.0
"""The end of the year 9999, in Unix seconds."""
REFERENCE_FORM: Final = '{"file": "path of a file"} or {"env": "name of a variable"}'


class Entry:
    """Fields are taken one by one, then `end` refuses what is left. All methods raise RosterError.

    `kind` is what it is (`account`), `number` its place in the list, from 1.
    """

    def __init__(self, value: object, kind: str, number: int) -> None:
        self.where = f"{kind} number {number}"
        if not isinstance(value, JsonPairs):
            self.fail("must be an object")
        if repeated := value.repeated_key():
            self.fail(f"has the field {quoted(repeated)} twice")
        self._left = {name: told for name, told in value if told is not None}
        self.alias = self._alias()
        self.where = f"the {kind} {quoted(self.alias)}"

    def fail(self, what: str) -> NoReturn:
        """Raise RosterError: it `what`."""
        raise RosterError(f"{self.where} {what}")

    def wrong(self, name: str, form: str) -> NoReturn:
        """Raise RosterError: the field must have another form."""
        self.fail(f"has a malformed {name}: it must be {form}")

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str) -> object:
        """The value of a field, None if it is absent."""
        return self._left.pop(name, None)

    def end(self) -> None:
        """Refuse fields that nobody has taken."""
        if unknown := next(iter(self._left), None):
            self.fail(f"has the unknown field {quoted(unknown)}")

    def text(self, name: str, longest: int) -> str:
        """A line of text, "" if it is absent."""
        value = self.take(name)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > longest or breaks_lines(value):
            self.wrong(name, f"one line of at most {longest} characters")
        return value.strip()

    def one_of(self, name: str, words: Sequence[str]) -> str:
        """One of some words, "" if it is absent."""
        value = self.take(name)
        if value is None:
            return ""
        if not isinstance(value, str) or value not in words:
            self.wrong(name, f"one of {', '.join(words)}")
        return value

    def matching(self, name: str, pattern: re.Pattern[str], form: str) -> str:
        """A text that has a form, "" if it is absent."""
        value = self.take(name)
        if value is None:
            return ""
        if not isinstance(value, str) or not pattern.fullmatch(value):
            self.wrong(name, form)
        return value

    def whole(self, name: str, low: int, high: int) -> int | None:
        """A whole number, None if it is absent."""
        value = self.take(name)
        if value is None:
            return None
        if type(value) is not int or not low <= value <= high:  # a bool is an int
            self.wrong(name, f"a whole number from {low} to {high}")
        return value

    def number(self, name: str, low: float, high: float) -> float | None:
        """A number, None if it is absent."""
        value = self.take(name)
        if value is None:
            return None
        if type(value) not in (int, float) or not low <= value <= high:  # type: ignore[operator]
            self.wrong(name, f"a number from {low:g} to {high:g}")
        return float(value)  # type: ignore[arg-type]

    def names(self, name: str) -> tuple[str, ...] | None:
        """A list of aliases, none of them twice; None if it is absent."""
        return self._list(name, ALIAS, f"a list of names, each of {ALIAS_FORM}")

    def patterns(self, name: str) -> tuple[str, ...] | None:
        """A list of names of models, in which `*` stands for anything; None if it is absent."""
        return self._list(name, MODEL, "a list of names of models, not empty")

    def reference(self, name: str) -> Reference | None:
        """Where a secret stands, None if that is absent."""
        value = self.take(name)
        return None if value is None else self.reference_of(name, value)

    def reference_of(self, name: str, value: object) -> Reference:
        """Where a secret stands, by the `value` of a field."""
        if isinstance(value, str):
            self.fail(f"has its {name} in the file itself: write {REFERENCE_FORM} instead")
        if not isinstance(value, JsonPairs) or len(value) != 1:
            self.wrong(name, REFERENCE_FORM)
        ((kind, where),) = value
        if kind == "env":
            if not isinstance(where, str) or not VARIABLE.fullmatch(where):
                self.wrong(name, REFERENCE_FORM)
            return Reference("env", where)
        if kind != "file" or not isinstance(where, str):
            self.wrong(name, REFERENCE_FORM)
        if not 0 < len(where) <= MAX_PATH or breaks_lines(where):
            self.wrong(name, REFERENCE_FORM)
        return Reference("file", where)

    def time(self, name: str) -> float | None:
        """What `moment` makes of a text, None if it is absent."""
        value = self.take(name)
        if value is None:
            return None
        try:
            if not isinstance(value, str):
                raise ValueError
            return moment(value)
        except (ValueError, OverflowError):
            self.wrong(name, "a date such as 2027-01-31, or a time such as 2027-01-31T18:00:00Z")

    def _alias(self) -> str:
        value = self.take("alias")
        if value is None:
            self.fail("has no alias")
        if not isinstance(value, str) or not ALIAS.fullmatch(value):
            self.wrong("alias", ALIAS_FORM)
        return value

    def _list(self, name: str, pattern: re.Pattern[str], form: str) -> tuple[str, ...] | None:
        value = self.take(name)
        if value is None:
            return None
        if not isinstance(value, list) or isinstance(value, JsonPairs) or not 0 < len(value) <= MAX_NAMES:
            self.wrong(name, form)
        texts = [item for item in value if isinstance(item, str) and pattern.fullmatch(item)]
        if len(texts) != len(value):
            self.wrong(name, form)
        if len(set(texts)) != len(texts):
            self.fail(f"has the same name twice in {name}")
        return tuple(texts)


def moment(text: str) -> float:
    """The end of a date in UTC, or a date with a time (in UTC if it names no zone), in Unix seconds.

    Raises ValueError or OverflowError.
    """
    if len(text) == len("2027-01-31"):
        day = date.fromisoformat(text) + timedelta(days=1)
        told = datetime(day.year, day.month, day.day, tzinfo=UTC)
    else:
        told = datetime.fromisoformat(text)
        told = told if told.tzinfo is not None else told.replace(tzinfo=UTC)
    if not 0 < (seconds := told.timestamp()) < LAST_MOMENT:
        raise ValueError("beyond what can be shown")
    return seconds
