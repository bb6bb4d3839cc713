"""gunicorn's worker with somebody at its door: who can find no place is told so before a thread is taken.

To read a request, hand it to a thread and take it back costs half of what a small one costs altogether. With
five times as many as can be done, that would be spent on those who are turned away (docs/adr/0012).
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from shared.web import admission
from shared.web.admission import Entrance

LEAVE_S = 2.0
HEAD_BYTES = 4_096
UNREAD_BYTES = 65_536
LINE_PARTS = 3  # method, target, version: RFC 9112, section 3


class DoorkeptWorker(ThreadWorker):  # type: ignore[misc] # gunicorn brings no types
    """Threads for those who have a place or may wait for one; everybody else is answered by the main loop."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as gunicorn has it
        super().__init__(*args, **options)
        self._inside = 0
        self._leaving: deque[TConn] = deque()

    def enqueue_req(self, conn: TConn) -> None:
        """A connection on which a request may have come: to a thread, or away."""
        entrance = admission.entrance_of(self.wsgi)
        if entrance.is_full(self._inside) and _was_turned_away(conn.sock, entrance):
            self._see_off(conn)
            return
        self._inside += 1
        super().enqueue_req(conn)

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        """A thread is done with a connection, or has found that nothing came."""
        self._inside -= 1
        super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """End connections whose time is over."""
        super().murder_pending()
        while self._leaving and self._leaving[0].timeout < time.monotonic():
            self._end(self._leaving[0])

    def _see_off(self, conn: TConn) -> None:
        """Wait until the client has closed: an end with data unread would overtake the answer."""
        conn.timeout = time.monotonic() + LEAVE_S
        self._leaving.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_leaving, conn))

    def _on_leaving(self, conn: TConn, client: socket.socket) -> None:
        try:
            gone = not client.recv(UNREAD_BYTES)
        except BlockingIOError:
            gone = False
        except OSError:
            gone = True
        if gone:
            self._end(conn)

    def _end(self, conn: TConn) -> None:
        self._leaving.remove(conn)
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()


def _was_turned_away(client: socket.socket, entrance: Entrance) -> bool:
    """Whether a request stood there that needs a place, and was told that there is none."""
    client.setblocking(False)  # noqa: FBT003 - the name is the socket's
    try:
        line = client.recv(HEAD_BYTES, socket.MSG_PEEK).partition(b"\r\n")[0].decode("latin-1").split(" ")
    except OSError:
        return False  # nothing has come yet
    if len(line) != LINE_PARTS or admission.is_always_answered(line[1].partition("?")[0]):
        return False  # what is no request of ours is looked at by a thread
    with contextlib.suppress(OSError):  # who has gone away needs no answer
        client.send(entrance.turn_away(line[0]))
        client.shutdown(socket.SHUT_WR)
    return True
