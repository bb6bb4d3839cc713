"""The file that came with a form."""

from __future__ import annotations

from flask import request


def file_of(name: str) -> tuple[str, bytes] | None:
    """Name and content of an uploaded file, or None where none was chosen."""
    file = request.files.get(name)
    if file is None or not file.filename:
        return None
    return file.filename, file.read()
