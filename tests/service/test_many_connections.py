"""More connections than the process has descriptors: it rests, says so once, and serves again."""

import os
import resource
import socket
import time
from contextlib import ExitStack
from pathlib import Path

from tests.processes import Process, ask, listening_port, running

SETTINGS = {"BASE_URL": "http://127.0.0.1:1", "PORT": "0"}
FEW_FILES = (
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128)); "
    "os.execv(sys.executable, [sys.executable, 'server.py'])"
)


def cpu_seconds(process: Process) -> float:
    """Time on the processor so far, of the program and of the kernel for it."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_300_silent_connections_at_128_open_files_cost_next_to_nothing_and_lock_nobody_out() -> None:
    with running(["-c", FEW_FILES], SETTINGS) as service, ExitStack() as stack:
        port = listening_port(service)
        assert service.output.count("ulimit -n") == 1
        for _ in range(300):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
        before, logged = cpu_seconds(service), len(service.output)
        time.sleep(3)
        assert cpu_seconds(service) - before < 1
        assert len(service.output) - logged < 2000
        assert ask(port, "GET", "/healthz").status == 200
        stack.close()
        assert ask(port, "GET", "/healthz").status == 200
        assert "Traceback" not in service.output


def test_process_without_descriptors_rests_and_serves_again() -> None:
    with running(["server.py"], SETTINGS) as service, ExitStack() as stack:
        port = listening_port(service)
        assert ask(port, "GET", "/healthz").status == 200
        in_use = len(os.listdir(f"/proc/{service.pid}/fd"))
        limits = resource.prlimit(service.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (in_use + 2, limits[1]))
        for _ in range(50):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
        service.wait_for("new connections have to wait: Too many open files")
        before = cpu_seconds(service)
        time.sleep(2)
        assert cpu_seconds(service) - before < 1
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, limits)
        assert ask(port, "GET", "/healthz").status == 200
        assert service.output.count("have to wait") == 1
        assert "Traceback" not in service.output


def test_limit_that_leaves_next_to_nothing_is_one_line_that_says_what_is_needed() -> None:
    too_few = FEW_FILES.replace("128", "90")
    with running(["-c", too_few], SETTINGS) as service:
        assert service.exit_code() == 2
        (line,) = service.output.splitlines()
        assert line.startswith("server.py: ")
        assert "ulimit -n" in line
