"""A form with a file as multipart/form-data, read while it is sent: no file lies in memory as a whole.

The line between its parts is made of the act's key: a form that is sent again under its key is the same, byte
for byte, and the services know it again by that. Source: RFC 7578; WHATWG, multipart/form-data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

ESCAPED = {ord('"'): "%22", ord("\r"): "%0D", ord("\n"): "%0A"}


class File(Protocol):
    """What is sent as a file. Units: `size` bytes, of all that iterating gives."""

    @property
    def name(self) -> str:
        """The name that the file has at its person's."""

    @property
    def size(self) -> int:
        """Its length."""

    def __iter__(self) -> Iterator[bytes]:
        """Its content, piece by piece."""


@dataclass(frozen=True, slots=True)
class Multipart:
    """The body of a request. Shape: a field may have several values; the file comes last."""

    key: str
    fields: Mapping[str, str | Sequence[str]]
    file: File

    @property
    def media_type(self) -> str:
        """What the request says of its body."""
        return f"multipart/form-data; boundary={self._boundary}"

    def __len__(self) -> int:
        return len(self._head()) + self.file.size + len(self._tail())

    def __iter__(self) -> Iterator[bytes]:
        yield self._head()
        yield from self.file
        yield self._tail()

    @property
    def _boundary(self) -> str:
        return f"fundtrail-{hashlib.sha256(self.key.encode()).hexdigest()[:40]}"

    def _head(self) -> bytes:
        parts = [
            f"{_disposition(name)}\r\n\r\n{value}\r\n"
            for name, values in self.fields.items()
            for value in ([values] if isinstance(values, str) else values)
        ]
        filename = self.file.name.translate(ESCAPED)
        kind = "Content-Type: application/octet-stream"
        parts.append(f'{_disposition("file")}; filename="{filename}"\r\n{kind}\r\n\r\n')
        return "".join(f"--{self._boundary}\r\n{part}" for part in parts).encode()

    def _tail(self) -> bytes:
        return f"\r\n--{self._boundary}--\r\n".encode()


def _disposition(name: str) -> str:
    return f'Content-Disposition: form-data; name="{name.translate(ESCAPED)}"'
