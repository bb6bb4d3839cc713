from __future__ import annotations

import pytest

from shared.testing.waiting import wait_until


def test_waiting_ends_as_soon_as_the_condition_holds() -> None:
    answers = iter([False, 0, [], "yes", AssertionError])
    wait_until(lambda: next(answers))
    assert next(answers) is AssertionError


def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(TimeoutError, match="the moon did not come true"):
        wait_until(lambda: False, timeout_s=0.05, what="the moon")
