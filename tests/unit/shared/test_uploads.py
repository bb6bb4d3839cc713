from __future__ import annotations

import io

import pytest
from flask import Flask, request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from shared.web.uploads import FILE_BYTES_MAX, allow_files, content_of


def upload(size: int) -> FileStorage:
    return FileStorage(io.BytesIO(b"x" * size), "a.xlsx")


def test_a_file_within_the_limit_is_read_whole() -> None:
    assert len(content_of(upload(100), limit=100)) == 100
    assert content_of(upload(0)) == b""


def test_a_file_beyond_the_limit_is_refused() -> None:
    with pytest.raises(RequestEntityTooLarge):
        content_of(upload(101), limit=100)


def test_a_refusal_reads_no_more_than_it_must() -> None:
    stream = io.BytesIO(b"x" * 10_000)
    with pytest.raises(RequestEntityTooLarge):
        content_of(FileStorage(stream), limit=100)
    assert stream.tell() == 101


def test_a_request_with_files_may_be_larger_than_others() -> None:
    app = Flask("x")
    app.config["MAX_CONTENT_LENGTH"] = 10
    with app.test_request_context("/"):
        assert request.max_content_length == 10
        allow_files()
        assert request.max_content_length is not None
        assert FILE_BYTES_MAX < request.max_content_length < FILE_BYTES_MAX + 1024 * 1024
