"""Dialects: how the steps of a turn are written as records, in snapshots or in delta v1."""

from simulator.dialects.delta import DeltaWriter
from simulator.dialects.snapshot import SnapshotWriter
from simulator.dialects.writer import DialectWriter, Record

__all__ = ["DeltaWriter", "DialectWriter", "Record", "SnapshotWriter"]
