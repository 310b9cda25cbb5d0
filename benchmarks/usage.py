"""CPU time and resident memory of processes, and how busy a core is, read from /proc."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """A reading of target, backend and load generator at one moment; two of them make a measurement."""

    when: int
    """Monotonic nanoseconds."""
    server_cpu: float
    """Seconds of user and system time of the target's process tree, in steps of 10 ms."""
    server_rss: int
    """Resident bytes of that tree."""
    backend_cpu: float
    loadgen_cpu: float
    """Seconds of this process, in steps of a microsecond."""
    core_busy: float
    """Seconds in which the target's core was not idle, time of other virtual machines included."""


def process_tree(pid: int) -> list[int]:
    """The process and all its descendants."""
    pids = [pid]
    for parent in pids:
        try:
            pids += map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
        except OSError:
            continue  # the process has ended
    return pids


def cpu_seconds(pid: int) -> float:
    """User and system time of a process tree in seconds, ended children included."""
    total = 0
    for member in process_tree(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def resident_bytes(pid: int) -> int:
    """Resident memory of a process tree in bytes."""
    total = 0
    for member in process_tree(pid):
        try:
            total += int(Path(f"/proc/{member}/statm").read_text().split()[1]) * PAGE
        except OSError:
            continue
    return total


def busy_seconds(core: int) -> float:
    """Seconds since boot in which the core was not idle, or was taken by the hypervisor."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1:9])
            return (user + nice + system + irq + softirq + steal) / TICKS
    return 0.0


@dataclass(frozen=True, slots=True)
class Meter:
    """Reads the usage of one target, of the backend and of this process."""

    server_pid: int | None
    backend_pid: int
    server_core: int

    def read(self) -> Usage:
        """The usage at this moment."""
        return Usage(
            when=time.monotonic_ns(),
            server_cpu=cpu_seconds(self.server_pid) if self.server_pid else 0.0,
            server_rss=resident_bytes(self.server_pid) if self.server_pid else 0,
            backend_cpu=cpu_seconds(self.backend_pid),
            loadgen_cpu=time.process_time(),
            core_busy=busy_seconds(self.server_core),
        )
