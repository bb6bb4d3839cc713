"""Which of a person's files make room, which one stands for a form, and how a form with a file is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.calls.multipart import Multipart
from services.portal.uploads.model import (
    IDLE_AFTER,
    PERSON_BYTES_MAX,
    PERSON_FILES_MAX,
    Form,
    Upload,
    ensure_fits,
    ensure_follows,
    makes_room,
    waiting,
)
from shared.kernel.errors import Rejected

NOW = datetime(2024, 8, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def upload(
    number: int, length: int = 10, received: int | None = None, age: timedelta = MINUTE, *, used: bool = False
) -> Upload:
    touched = NOW - age
    came = length if received is None else received
    return Upload(UUID(int=number), "/form", "a", 0, length, came, used, touched, touched + timedelta(days=1))


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 20), st.integers(0, 20))
def test_a_piece_goes_on_exactly_where_the_file_ends(
    received: int, more: int, offset: int, count: int
) -> None:
    one = upload(1, received + more, received)
    fits = offset == received and count <= more
    if fits:
        ensure_follows(one, offset, count)
    else:
        with pytest.raises(Rejected):
            ensure_follows(one, offset, count)


def test_a_file_as_large_as_its_service_takes_fits() -> None:
    form = Form("/form", "any", 10)
    ensure_fits(10, form)
    with pytest.raises(Rejected) as refused:
        ensure_fits(11, form)
    assert refused.value.code == "upload_too_large"


def test_nothing_goes_while_there_is_room() -> None:
    theirs = [upload(number) for number in range(PERSON_FILES_MAX - 1)]
    assert makes_room(theirs, 10, NOW) == []


def test_used_files_go_first_then_the_longest_idle() -> None:
    idle = [upload(number, age=IDLE_AFTER + number * MINUTE) for number in range(PERSON_FILES_MAX - 1)]
    assert makes_room([*idle, upload(99, age=MINUTE, used=True)], 10, NOW) == [UUID(int=99)]
    assert makes_room([*idle, upload(99)], 10, NOW) == [idle[-1].id]


def test_a_file_that_moves_stays_and_the_new_one_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        makes_room([upload(number) for number in range(PERSON_FILES_MAX)], 10, NOW)
    assert refused.value.code == "uploads_full"
    with pytest.raises(Rejected):
        makes_room([upload(1, PERSON_BYTES_MAX)], 1, NOW)


@given(
    st.lists(st.integers(0, PERSON_BYTES_MAX // 3), max_size=PERSON_FILES_MAX + 3),
    st.integers(0, PERSON_BYTES_MAX),
)
def test_with_the_new_one_nobody_has_more_than_allowed(lengths: list[int], length: int) -> None:
    theirs = [upload(number, one, age=IDLE_AFTER) for number, one in enumerate(lengths)]
    going = makes_room(theirs, length, NOW)
    left = [one.length for one in theirs if one.id not in going]
    assert len(left) < PERSON_FILES_MAX
    assert sum(left) + length <= PERSON_BYTES_MAX


def test_the_newest_whole_file_stands_for_a_form_that_was_not_sent() -> None:
    part, used, newest, older = upload(1, 10, 5), upload(2, used=True), upload(3), upload(4)
    found = waiting([part, used, newest, older], "")
    assert (found.chosen, found.begun) == (newest, [part])


def test_what_the_form_held_stands_for_it_and_nothing_else_does() -> None:
    theirs = [upload(1, 10, 5), upload(2, used=True), upload(3), upload(4)]
    assert waiting(theirs, str(UUID(int=4))).chosen == theirs[3]
    for gone in (str(UUID(int=1)), str(UUID(int=9)), "-"):
        assert waiting(theirs, gone).chosen is None


@dataclass(frozen=True)
class Told:
    name: str
    pieces: tuple[bytes, ...]

    @property
    def size(self) -> int:
        return sum(map(len, self.pieces))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)


@given(
    st.lists(st.binary(max_size=50), max_size=4),
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=20
    ),
)
def test_a_form_with_a_file_says_its_length_and_is_the_same_each_time(
    pieces: list[bytes], title: str
) -> None:
    form = Multipart("key", {"title": title, "works": ["3", "14"]}, Told("phụ lục.xlsx", tuple(pieces)))
    body = b"".join(form)
    assert len(body) == len(form)
    assert body == b"".join(form)
    read = message_from_bytes(f"Content-Type: {form.media_type}\r\n\r\n".encode() + body, policy=policy.HTTP)
    parts = [part.get_payload(decode=True) for part in read.iter_parts()]  # type: ignore[attr-defined]
    assert parts == [title.encode(), b"3", b"14", b"".join(pieces)]


def test_another_key_draws_another_line_between_the_parts() -> None:
    file = Told("a.csv", (b"x",))
    assert Multipart("a", {}, file).media_type != Multipart("b", {}, file).media_type


def test_a_name_cannot_end_its_header() -> None:
    body = b"".join(Multipart("key", {}, Told('a"\r\nX: y.csv', (b"x",))))
    assert b'filename="a%22%0D%0AX: y.csv"' in body
