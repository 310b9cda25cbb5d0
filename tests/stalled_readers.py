"""Clients that ask for a long answer and do not read it."""

import json
import socket

from tests.processes import KEY

RECORDS = 4000
"""Snapshots of one answer; as chunks they take some 800 KB, more than the sockets of one client hold."""


def growing_answer() -> bytes:
    """An answer that grows by one character per record, ready for the wire.

    The records differ in a time too, so that none is left out because the next one brings it all.
    """
    records = []
    for length in range(1, RECORDS + 1):
        message = {
            "id": "m1",
            "author": {"role": "assistant"},
            "content": {"content_type": "text", "parts": ["x" * length]},
            "status": "in_progress",
            "update_time": length,
        }
        record = f"data: {json.dumps({'message': message, 'conversation_id': 'c1', 'error': None})}\n\n"
        records.append(b"%x\r\n%s\r\n" % (len(record), record.encode()))
    return b"".join(records)


def stalled_reader(port: int, key: str = KEY, source: str = "127.0.0.1") -> socket.socket:
    """A client with a small receive buffer that has asked for a stream and does not read it."""
    body = json.dumps({"model": "gpt-4-s", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.bind((source, 0))
    client.connect(("127.0.0.1", port))
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    return client
