"""Runs a script under a limit of memory: `python -m tests.soak.limited MIB SCRIPT`.

In a control group below that of this process where one can be made, which is what a container has; else with
a limit of its data segment (`RLIMIT_DATA`), which counts what is reserved and not what is used: the stacks of
threads above all, for which `MARGIN_MIB` is added. The limit of open files is raised as far as it goes.
"""

import os
import resource
import runpy
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARGIN_MIB = 256
OPEN_FILES = 8192
CGROUPS = Path("/sys/fs/cgroup")
UNIFIED = {"memory.max": "{bytes}", "memory.swap.max": "0"}
OLD = {"memory.limit_in_bytes": "{bytes}", "memory.memsw.limit_in_bytes": "{bytes}"}
"""The files that limit a group, by version; the second one is missing where swap is not counted."""


def limit_memory(mib: int) -> str:
    """Limit this process; says how."""
    for place, files in _places():
        group = place / f"pandora-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            first, *others = files.items()
            _write(group, *first, mib)
            for name, value in others:
                with suppress(OSError):
                    _write(group, name, value, mib)
            (group / "cgroup.procs").write_text(str(os.getpid()))
        except OSError:
            group.rmdir()
            continue
        return f"control group of {mib} MiB"
    size = (mib + MARGIN_MIB) << 20
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    return f"data segment of {mib} + {MARGIN_MIB} MiB"


def remove_group(pid: int) -> None:
    """Remove the control group of a process that has ended, if it had one."""
    for place, _ in _places():
        with suppress(OSError):
            (place / f"pandora-{pid}").rmdir()


def raise_open_files() -> None:
    """Allow as many open files as may be, up to what the scenario needs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, hard), hard))


def _places() -> Iterator[tuple[Path, dict[str, str]]]:
    """Where this process's groups of memory are, of both versions of control groups."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield CGROUPS / path.lstrip("/"), UNIFIED
        elif "memory" in controllers.split(","):
            yield CGROUPS / "memory" / path.lstrip("/"), OLD


def _write(group: Path, name: str, value: str, mib: int) -> None:
    (group / name).write_text(value.format(bytes=mib << 20))


if __name__ == "__main__":
    raise_open_files()
    print(f"limit: {limit_memory(int(sys.argv[1]))}", flush=True)
    sys.argv = sys.argv[2:]
    sys.path.insert(0, os.getcwd())
    runpy.run_path(sys.argv[0], run_name="__main__")
