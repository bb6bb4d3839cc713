"""A line to PostgreSQL that lets a commit through and swallows its answer."""

from __future__ import annotations

import contextlib
import socket
import threading

CHUNK = 65_536
COMMIT = b"COMMIT"


class SwallowingLine:
    """Passes bytes to the server; once armed, whoever commits never learns that it was done."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._armed = threading.Event()
        self._deaf: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._run(self._accept)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def arm(self) -> None:
        """The answer to the next commit is swallowed, with all that comes after it on that line."""
        self._armed.set()

    @property
    def swallowed(self) -> bool:
        """Whether a commit has gone through since the line was armed."""
        return not self._armed.is_set()

    def close(self) -> None:
        """Nobody listens; lines that are open end with those who hold them."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _run(self, target: object, *args: socket.socket) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._run(self._to_server, client, server)
            self._run(self._to_client, server, client)

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(CHUNK):
                if COMMIT in data and self._armed.is_set():
                    self._deaf.add(client)
                    self._armed.clear()
                server.sendall(data)
        _end(server, client)

    def _to_client(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(CHUNK):
                if client not in self._deaf:
                    client.sendall(data)
        _end(server, client)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
