"""Listening sockets: opened, or handed over."""

import os
import socket

import pytest

from front import Listeners, NotListening


def test_name_that_is_no_address_is_said() -> None:
    with pytest.raises(NotListening, match=r"a\.\.b port 1: not an address"):
        Listeners.open("a..b", 1, reuse_port=False, environ={})


def test_shared_port_can_be_opened_twice() -> None:
    first = Listeners.open("127.0.0.1", 0, reuse_port=True, environ={})
    second = Listeners.open("127.0.0.1", first.port, reuse_port=True, environ={})
    assert first.port == second.port
    first.close()
    second.close()


def test_shared_port_turns_newcomers_away_without_a_word() -> None:
    listeners = Listeners.open("127.0.0.1", 0, reuse_port=True, environ={})
    before = socket.create_connection(("127.0.0.1", listeners.port), 5)
    listeners.turn_away()
    with pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", listeners.port), 0.3)
    accepted, _ = listeners.sockets[0].accept()
    accepted.close()
    before.close()
    listeners.close()


def test_sockets_meant_for_another_process_are_left_alone() -> None:
    environ = {"LISTEN_PID": str(os.getpid() + 1), "LISTEN_FDS": "1", "OTHER": "x"}
    listeners = Listeners.open("127.0.0.1", 0, reuse_port=False, environ=environ)
    assert not listeners.handed_over
    assert environ == {"OTHER": "x"}
    listeners.close()
