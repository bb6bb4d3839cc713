"""Files that come with a request: read once, never larger than said."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from shared.kernel.errors import Fault, Rejected

FILE_BYTES_MAX = 20 * 1024 * 1024


def content_of(upload: Any, limit: int = FILE_BYTES_MAX) -> bytes:  # noqa: ANN401 - werkzeug's FileStorage
    """The bytes of an uploaded file. Raises: RequestEntityTooLarge beyond the limit."""
    content: bytes = upload.stream.read(limit + 1)
    if len(content) > limit:
        raise RequestEntityTooLarge(f"A file may have {limit // 1024 // 1024} MiB; this one has more.")
    return content


def ensure_no_fields() -> None:
    """Nothing, where the request brings its file alone. Raises: Rejected request_invalid, naming the rest."""
    if names := sorted({name or "" for name in request.form}):  # a part need not have a name
        raise Rejected(
            "request_invalid",
            "Beside the file the request has fields that nobody knows here; leave them out.",
            [Fault("field_invalid", "Unknown field.", f"/{name}") for name in names],
        )


def allow_files(limit: int = FILE_BYTES_MAX) -> None:
    """Let this request be as large as a file may be, with some room for the form around it."""
    request.max_content_length = limit + 64 * 1024
