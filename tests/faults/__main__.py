"""Writes the table of faults into docs/errors.md: `python -m tests.faults`."""

from tests.faults.document import DOCUMENT, updated

DOCUMENT.write_text(updated(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
