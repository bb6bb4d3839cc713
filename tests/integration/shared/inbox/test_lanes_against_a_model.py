"""Any messages of any keys, some refused, some twice: a twenty-line model says what happens."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.inbox import operations
from shared.journal.envelope import Envelope
from shared.kernel.errors import Conflict, Rejected
from tests.integration.shared.inbox.conftest import Receiver, refuse

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk

KEYS = ("a", "b", "c")
# Key of the message, whether it is refused, and how many of those before it come again behind it.
STORY = st.lists(st.tuples(st.sampled_from(KEYS), st.booleans(), st.integers(0, 2)), min_size=1, max_size=12)
SLOW = settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Model:
    """What must have taken effect and what must wait, by key."""

    def __init__(self) -> None:
        self.effects: dict[str, list[int]] = defaultdict(list)
        self.waiting: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.known: set[int] = set()

    def take(self, key: str, value: int, *, refused: bool) -> None:
        if value in self.known:
            return
        self.known.add(value)
        if self.waiting[key]:
            self.waiting[key].append((value, "behind"))
        elif refused:
            self.waiting[key].append((value, "rejected"))
        else:
            self.effects[key].append(value)

    def mend(self, key: str) -> None:
        """What was wrong is right now, and an operator retries the first of a key."""
        self.effects[key] += [value for value, _ in self.waiting.pop(key, [])]


class Scene:
    """A receiver and the model beside it; values are never used twice, so that stories do not meet."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver, self.model = receiver, Model()
        self.next_value = 1 + int(receiver.desk.one("SELECT coalesce(max(value), 0) FROM effects"))
        self.next_value += 1000 * int(receiver.desk.one("SELECT count(*) FROM quarantine"))
        self.tag = f"{self.next_value}"
        self.sent: list[tuple[Envelope, str, int, bool]] = []

    def tell(self, story: list[tuple[str, bool, int]]) -> int:
        """Send it all; the number of records on their way."""
        items: list[Envelope] = []
        for key, refused, repeats in story:
            value, self.next_value = self.next_value, self.next_value + 1
            lane = f"{key}-{self.tag}"
            if refused:
                self.receiver.trouble[value] = refuse
            one = self.receiver.sender.event(self.receiver.desk, lane, value)
            self.sent.append((one, lane, value, refused))
            again = self.sent[-1 - repeats : -1] if repeats else []
            for item, its_lane, its_value, its_refused in [self.sent[-1], *again]:
                items.append(item)
                self.model.take(its_lane, its_value, refused=its_refused)
        self.receiver.sender.send(*items)
        return len(items)

    def effects(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for key, value in self.receiver.effects:
            if key.endswith(f"-{self.tag}"):
                found[key].append(value)
        return found

    def waiting(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for key, state, _ in self.receiver.quarantined():
            if key.endswith(f"-{self.tag}") and state in {"rejected", "behind"}:
                found[key].append(state)
        return found

    def agree(self) -> None:
        assert self.effects() == {key: values for key, values in self.model.effects.items() if values}
        assert self.waiting() == {
            key: [state for _, state in rows] for key, rows in self.model.waiting.items() if rows
        }


@SLOW
@given(story=STORY)
def test_each_key_goes_on_or_waits_by_itself(
    desk_receiver: Receiver, story: list[tuple[str, bool, int]]
) -> None:
    scene = Scene(desk_receiver)
    desk_receiver.take(scene.tell(story))
    scene.agree()


@SLOW
@given(first=STORY, second=STORY)
def test_what_comes_later_waits_behind_what_came_before(
    desk_receiver: Receiver, first: list[tuple[str, bool, int]], second: list[tuple[str, bool, int]]
) -> None:
    scene = Scene(desk_receiver)
    desk_receiver.take(scene.tell(first))
    desk_receiver.start()
    desk_receiver.take(scene.tell(second))
    scene.agree()


@SLOW
@given(story=STORY)
def test_a_retry_after_the_mending_brings_each_key_up_in_its_order(
    desk_receiver: Receiver, story: list[tuple[str, bool, int]]
) -> None:
    scene = Scene(desk_receiver)
    desk_receiver.take(scene.tell(story))
    desk_receiver.trouble.clear()
    desk: Desk = desk_receiver.desk
    for key in list(scene.waiting()):
        number = desk.one(
            "SELECT min(number) FROM quarantine WHERE key = :key AND state IN ('rejected', 'behind')", key=key
        )
        retried = operations.retry(desk.unit_of_work, desk.name, desk_receiver.handlers(), number, desk.act)
        assert retried.refused is None
        scene.model.mend(key)
    scene.agree()
    assert scene.waiting() == {}


@SLOW
@given(story=STORY)
def test_a_retry_before_the_mending_changes_nothing(
    desk_receiver: Receiver, story: list[tuple[str, bool, int]]
) -> None:
    scene = Scene(desk_receiver)
    desk_receiver.take(scene.tell(story))
    desk: Desk = desk_receiver.desk
    for key in scene.waiting():
        number = desk.one(
            "SELECT min(number) FROM quarantine WHERE key = :key AND state = 'rejected'", key=key
        )
        with pytest.raises(Rejected, match="not_wanted"):
            operations.retry(desk.unit_of_work, desk.name, desk_receiver.handlers(), number, desk.act)
    scene.agree()


def test_only_the_first_of_a_lane_can_be_retried_however_long_it_is(desk_receiver: Receiver) -> None:
    scene = Scene(desk_receiver)
    desk_receiver.take(scene.tell([("a", True, 0), ("a", False, 0), ("a", False, 0), ("b", False, 0)]))
    scene.agree()
    desk = desk_receiver.desk
    behind = [row.number for row in desk.rows("SELECT number FROM quarantine WHERE state = 'behind'")]
    assert len(behind) == 2
    for number in behind:
        with pytest.raises(Conflict, match="message_behind"):
            operations.retry(desk.unit_of_work, desk.name, desk_receiver.handlers(), number, desk.act)
    scene.agree()
