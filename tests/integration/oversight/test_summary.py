"""The last line of a run: every key, in its order, counted from what is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from deploy.local.provisioning import Addresses
from deploy.oversight.databases import SERVICES, Databases, opened
from deploy.oversight.summary import COUNTED, KEYS, summary

RUN = {"bus": {"kind": "kafka"}, "proofs_verified": 1, "alterations_detected": 4}


@pytest.fixture
def databases(database: Callable[[str], Addresses]) -> Iterator[Databases]:
    with opened({service: database(service).reader for service in SERVICES}) as connections:
        yield connections


def test_there_are_twenty_six_keys_in_their_order(databases: Databases) -> None:
    told = summary(databases, RUN, 0, 61)
    assert tuple(told) == KEYS
    assert len(KEYS) == len(set(KEYS)) == 26


def test_what_is_stored_nowhere_yet_is_zero_and_what_no_run_found_out_is_nothing(
    databases: Databases,
) -> None:
    told = summary(databases, {}, 0, None)
    assert {key for key, value in told.items() if value is None} == {
        "bus",
        "proofs_verified",
        "alterations_detected",
        "seconds",
    }
    assert all(told[key] == 0 for key in COUNTED)


def test_the_facts_of_the_run_are_those_it_wrote_down(databases: Databases) -> None:
    told = summary(databases, RUN, 3, 61)
    assert (told["bus"], told["proofs_verified"], told["alterations_detected"]) == ("kafka", 1, 4)
    assert (told["invariants_broken"], told["seconds"]) == (3, 61)
