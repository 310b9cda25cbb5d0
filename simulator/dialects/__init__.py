"""Dialects: how the steps of a turn are written as records, in snapshots or in delta v1."""

from simulator.dialects.delta import DeltaWriter
from simulator.dialects.delta_2026 import DeltaWriter2026
from simulator.dialects.snapshot import SnapshotWriter
from simulator.dialects.writer import DialectWriter, Record

__all__ = ["DeltaWriter", "DeltaWriter2026", "DialectWriter", "Record", "SnapshotWriter"]
