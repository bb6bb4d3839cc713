"""What the audit log could not hold is refused where it is recorded, before anything is committed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.audit.log import tiles
from shared.journal import positions, recording
from shared.journal.recording import LEAF_BYTES_MAX, Topic, leaf_bytes
from shared.kernel.acts import Act
from shared.kernel.errors import Rejected
from tests.integration.shared.conftest import NOON, BulkCounted, Counted

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk


def room_beside(act: Act, event: Counted) -> int:
    """How many letters a reason may have beside the rest of the row."""
    row = recording._row(replace(act, reason=""), recording.draft(event), Topic.EVENTS)
    return LEAF_BYTES_MAX - leaf_bytes(row)


def stored_leaf(desk: Desk, position: int = 1) -> bytes:
    with desk.service.connect() as connection:
        found = positions.at(connection, "beneficiaries", position)
    assert found is not None
    return found.leaf()


def keep(desk: Desk, act: Act, *events: Any) -> None:  # noqa: ANN401 - events
    with desk.unit_of_work.begin(act) as work:
        work.connection.execute(text("INSERT INTO effects (key, value) VALUES ('a', 1)"))
        work.record_many(events)


def test_the_bound_is_that_of_an_entry_bundle() -> None:
    assert LEAF_BYTES_MAX == tiles.ENTRY_BYTES_MAX == 2**16 - 1


def test_a_row_at_the_bound_is_recorded_and_fits_into_a_bundle(desk: Desk) -> None:
    room = room_beside(desk.act, Counted("a", 1))
    keep(desk, replace(desk.act, reason="x" * room), Counted("a", 1))
    leaf = stored_leaf(desk)
    assert LEAF_BYTES_MAX - 100 < len(leaf) <= LEAF_BYTES_MAX
    assert tiles.unpack_entries(tiles.pack_entries([leaf])) == [leaf]


def test_one_letter_more_is_refused_before_anything_is_kept(desk: Desk) -> None:
    room = room_beside(desk.act, Counted("a", 1))
    with pytest.raises(Rejected) as refused:
        keep(desk, replace(desk.act, reason="x" * (room + 1)), Counted("a", 1))
    assert refused.value.code == "envelope_too_large"
    assert Counted.TYPE in refused.value.message
    assert f"{LEAF_BYTES_MAX + 1} bytes" in refused.value.message
    assert desk.one("SELECT count(*) FROM effects") == desk.one("SELECT count(*) FROM journal") == 0


def test_one_row_too_large_takes_the_good_ones_of_its_act_with_it(desk: Desk) -> None:
    with pytest.raises(Rejected, match="envelope_too_large"):
        keep(desk, desk.act, Counted("a", 1), Counted("b" * LEAF_BYTES_MAX, 2))
    assert desk.one("SELECT count(*) FROM effects") == desk.one("SELECT count(*) FROM journal") == 0


@pytest.mark.parametrize(
    "name", ["reason", "correlation", "causation", "traceparent", "unit", "on_behalf_of"]
)
def test_every_text_beside_the_data_counts(desk: Desk, name: str) -> None:
    with pytest.raises(Rejected, match="envelope_too_large"):
        keep(desk, replace(desk.act, **{name: "x" * LEAF_BYTES_MAX}), Counted("a", 1))


def test_the_actor_counts_too(desk: Desk) -> None:
    with pytest.raises(Rejected, match="envelope_too_large"):
        keep(desk, Act(actor="x" * LEAF_BYTES_MAX, occurred_at=NOON), Counted("a", 1))


def test_what_is_measured_is_the_canonical_form_and_not_the_letters(desk: Desk) -> None:
    room = room_beside(desk.act, Counted("a", 1))
    for letter, size in (("đ", 2), ("ễ", 3), ("𝄞", 4), ('"', 2), ("\n", 2), ("\x01", 6)):
        keep(desk, replace(desk.act, reason=letter * (room // size)), Counted("a", 1))
        with pytest.raises(Rejected, match="envelope_too_large"):
            keep(desk, replace(desk.act, reason=letter * (room // size + 1)), Counted("a", 1))


def test_data_and_items_count_by_their_hashes_alone(desk: Desk) -> None:
    items = tuple({"n": number, "text": "x" * 300} for number in range(400))
    keep(desk, desk.act, BulkCounted("a", items))
    assert desk.one("SELECT length(data) FROM journal") > LEAF_BYTES_MAX
    assert len(stored_leaf(desk)) < 1000


def test_a_refusal_is_told_to_the_trail_of_the_service_that_refused(desk: Desk) -> None:
    """The row that tells of the refusal has none of what was too long."""
    with pytest.raises(Rejected) as refused:
        keep(desk, replace(desk.act, reason="x" * LEAF_BYTES_MAX), Counted("a", 1))
    assert len(refused.value.message) < 500


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(reason=TEXTS, correlation=TEXTS, key=TEXTS.filter(bool), number=st.integers(0, 2**53 - 1))
def test_what_was_measured_is_never_less_than_what_is_logged(
    desk: Desk, reason: str, correlation: str, key: str, number: int
) -> None:
    act = replace(desk.act, reason=reason, correlation=correlation)
    measured = leaf_bytes(recording._row(act, recording.draft(Counted(key, number)), Topic.EVENTS))
    with desk.unit_of_work.begin(act) as work:
        work.record(Counted(key, number))
    with desk.service.connect() as connection:
        newest = positions.head(connection)
    logged = len(stored_leaf(desk, newest))
    assert logged <= measured <= logged + 120


def test_a_short_row_is_not_measured_to_the_last_byte(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of rows are recorded in a second; only those that come near the bound are worth it."""
    monkeypatch.setattr(recording, "leaf_bytes", lambda _: pytest.fail("measured"))
    keep(desk, replace(desk.act, reason="x" * 2000, correlation="y" * 2000), Counted("a", 1))
