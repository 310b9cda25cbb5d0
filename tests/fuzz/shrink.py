"""Makes a case that fails small enough to be read."""

from dataclasses import replace

from tests.fuzz.cases import Case
from tests.fuzz.check import check
from tests.fuzz.mutations import BORDER


def shrunk(case: Case) -> Case:
    """`case` without the records, and then without the cuts, that its failure does not need."""
    records = BORDER.split(b"".join(case.chunks))
    if not _fails(case, records):
        return case  # it depends on the cuts
    size = len(records) // 2
    while size:
        at = 0
        while at < len(records):
            fewer = records[:at] + records[at + size :]
            if _fails(case, fewer):
                records = fewer
            else:
                at += size
        size //= 2
    return _with(case, records)


def _with(case: Case, records: list[bytes]) -> Case:
    return replace(case, chunks=(b"".join(records),))


def _fails(case: Case, records: list[bytes]) -> bool:
    try:
        check(_with(case, records))
    except Exception:
        return True
    return False
