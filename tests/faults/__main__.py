"""Writes the table of faults into the README: `python -m tests.faults`."""

from tests.faults.readme import README, updated

README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
