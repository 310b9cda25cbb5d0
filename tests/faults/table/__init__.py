"""All faults, with what must come of each. The table in docs/errors.md is made from this."""

from tests.faults.table.answers import ANSWERS
from tests.faults.table.callers import CALLERS
from tests.faults.table.connections import CONNECTIONS
from tests.faults.table.reuse import REUSE
from tests.faults.table.streams import STREAMS

FAULTS = (*CONNECTIONS, *REUSE, *ANSWERS, *STREAMS, *CALLERS)

__all__ = ["FAULTS"]
