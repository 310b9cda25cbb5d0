"""A real Redis cluster of its own: three primaries, with a replica each if that is asked for."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Self

import pytest

from benchmarks.ports import free_ports

needs_cluster = pytest.mark.skipif(
    shutil.which("redis-server") is None or shutil.which("redis-cli") is None,
    reason="redis-server or redis-cli is missing",
)
SLOT: Final = "15976"
"""That of all keys with the tag `{pandora}`; `redis-cli CLUSTER KEYSLOT` says so."""
NODE_TIMEOUT: Final = 1000
"""After that, in milliseconds, the others give up a node that says nothing."""


class RedisCluster:
    """Runs while used with `with`; what it holds is gone then. `ports` are those of the nodes."""

    def __init__(self, *, replicas: bool = False) -> None:
        self._replicas = replicas
        nodes = 6 if replicas else 3
        free = free_ports(2 * nodes)
        self.ports, self._bus = free[:nodes], free[nodes:]
        self._nodes: dict[int, subprocess.Popen[bytes]] = {}
        self._cut_off = 0
        self._folder = tempfile.TemporaryDirectory(prefix="redis-cluster-")

    @property
    def url(self) -> str:
        """The address as the service is told it: that of the first node."""
        return f"redis+cluster://127.0.0.1:{self.ports[0]}"

    def ask(self, port: int, *command: str) -> str:
        """What a node answers."""
        return subprocess.run(
            ["redis-cli", "-p", str(port), *command], capture_output=True, text=True, check=True, timeout=30
        ).stdout.strip()

    def empty(self) -> None:
        """Delete all that it holds."""
        for port in self._nodes:
            self.ask(port, "FLUSHALL")

    def owner(self) -> int:
        """The port of the node that has `SLOT`, as the first node that lives sees it; 0 if nobody has it."""
        for line in self.ask(next(iter(self._nodes)), "CLUSTER", "NODES").splitlines():
            _, address, flags, *rest = line.split(" ")
            for span in [] if "fail" in flags else rest[5:]:
                first, _, last = span.partition("-")
                if "[" not in span and int(first) <= int(SLOT) <= int(last or first):
                    return int(address.split("@")[0].rpartition(":")[2])
        return 0

    def move_slot(self) -> int:
        """Give `SLOT` with all keys to another primary, as `redis-cli --cluster reshard` does; its port."""
        source, target = self.begin_move()
        self.finish_move(source, target)
        return target

    def begin_move(self) -> tuple[int, int]:
        """Say that `SLOT` moves, from which port to which; no key has moved yet."""
        source = self.owner()
        target = next(port for port in self._primaries() if port != source)
        names = {port: self.ask(port, "CLUSTER", "MYID") for port in (source, target)}
        self.ask(target, "CLUSTER", "SETSLOT", SLOT, "IMPORTING", names[source])
        self.ask(source, "CLUSTER", "SETSLOT", SLOT, "MIGRATING", names[target])
        return source, target

    def keys(self, port: int) -> list[str]:
        """Some of the keys in `SLOT` at a node."""
        return self.ask(port, "CLUSTER", "GETKEYSINSLOT", SLOT, "100").splitlines()

    def move_keys(self, source: int, target: int, *keys: str) -> None:
        """Take these keys from one node to the other."""
        told = self.ask(source, "MIGRATE", "127.0.0.1", str(target), "", "0", "5000", "KEYS", *keys)
        assert told in ("OK", "NOKEY"), told

    def finish_move(self, source: int, target: int) -> None:
        """Take all that is left in `SLOT` to the new node, and give it the slot."""
        while keys := self.keys(source):
            self.move_keys(source, target, *keys)
        name = self.ask(target, "CLUSTER", "MYID")
        for port in (target, source, *self._primaries()):
            self.ask(port, "CLUSTER", "SETSLOT", SLOT, "NODE", name)

    def cut_off_replica(self) -> None:
        """Let the replica of the node that has `SLOT` stand still, and hear nothing more of it."""
        owner = self.owner()
        (self._cut_off,) = (port for port in self._nodes if self._follows(port, owner))
        self._nodes[self._cut_off].send_signal(signal.SIGSTOP)
        self.ask(owner, "CLIENT", "KILL", "TYPE", "replica")

    def kill_owner(self) -> None:
        """Kill the node that has `SLOT`, and wait until its replica has taken over."""
        port = self.owner()
        self._nodes[port].kill()
        if self._cut_off:
            self._nodes[self._cut_off].send_signal(signal.SIGCONT)
        self._nodes.pop(port).wait()
        _wait_for(lambda: self.owner() in self._nodes)
        self._wait_until_whole()

    def __enter__(self) -> Self:
        for port, bus in zip(self.ports, self._bus, strict=True):
            folder = Path(self._folder.name) / str(port)
            folder.mkdir()
            command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
            command += ["--dir", str(folder), "--cluster-enabled", "yes", "--cluster-port", str(bus)]
            command += ["--cluster-node-timeout", str(NODE_TIMEOUT), "--repl-diskless-sync-delay", "0"]
            self._nodes[port] = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        try:
            self._join()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in self._nodes.values():
            node.kill()
            node.wait()
        self._folder.cleanup()

    def _primaries(self) -> list[int]:
        return [port for port in self._nodes if "role:master" in self.ask(port, "INFO", "replication")]

    def _join(self) -> None:
        for port in self.ports:
            _wait_for(partial(self._listens, port))
        nodes = [f"127.0.0.1:{port}" for port in self.ports]
        how = ["--cluster-replicas", "1" if self._replicas else "0", "--cluster-yes"]
        subprocess.run(
            ["redis-cli", "--cluster", "create", *nodes, *how], check=True, timeout=60, capture_output=True
        )
        self._wait_until_whole()
        if self._replicas:
            _wait_for(lambda: all(map(self._is_in_step, self._nodes)))

    def _wait_until_whole(self) -> None:
        _wait_for(
            lambda: all("cluster_state:ok" in self.ask(port, "CLUSTER", "INFO") for port in self._nodes)
        )

    def _is_in_step(self, port: int) -> bool:
        told = self.ask(port, "INFO", "replication")
        return "master_link_status:up" in told or "role:master" in told

    def _follows(self, port: int, primary: int) -> bool:
        return f"master_port:{primary}" in self.ask(port, "INFO", "replication").split()

    def _listens(self, port: int) -> bool:
        assert self._nodes[port].poll() is None, "redis-server ended at once"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True


def _wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until, "the cluster does not come up"
        time.sleep(0.05)
