"""What the checks are made of: rules read from files, findings in words, deeds that change one thing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.oversight import alterations
from deploy.oversight.databases import SERVICES
from deploy.oversight.findings import Finding
from deploy.oversight.invariants import invariants_of
from deploy.oversight.summary import COUNTED, KEYS

WITH_RULES = ("allocation", "beneficiaries", "notifications", "portal")


@pytest.mark.parametrize("service", WITH_RULES)
def test_every_rule_has_a_name_of_its_own_and_one_query(service: str) -> None:
    rules = invariants_of(service)
    assert len(rules) >= 2
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert not re.search(r";\s*$", rule.query)
        assert not re.search(r";\s*\n\s*(SELECT|WITH)\b", rule.query)
        assert rule.query.startswith(("SELECT", "WITH"))


@pytest.mark.parametrize("service", WITH_RULES)
def test_every_rule_answers_place_and_message_and_only_reads(service: str) -> None:
    for rule in invariants_of(service):
        assert re.search(r"\bAS place\b", rule.query), rule.name
        assert re.search(r"\bAS message\b", rule.query) or "' AS message" in rule.query, rule.name
        assert not re.search(r"\b(INSERT|UPDATE|DELETE|TRUNCATE)\b", rule.query), rule.name


def test_a_service_without_rules_has_none() -> None:
    assert [service for service in SERVICES if not invariants_of(service)] == ["audit"]


def test_a_finding_reads_from_the_wide_to_the_narrow() -> None:
    found = Finding("allocation", "debits_equal_credits", "accounts", "debits 5, credits 6")
    assert str(found) == "allocation: debits_equal_credits: accounts: debits 5, credits 6"


def test_every_counted_key_is_one_of_the_last_line_and_asks_a_service() -> None:
    assert COUNTED.keys() <= set(KEYS)
    assert {service for service, _ in COUNTED.values()} <= set(SERVICES)
    assert all(query.startswith("SELECT") for _, query in COUNTED.values())


def test_there_are_four_deeds_each_in_another_database() -> None:
    deeds = alterations.alterations(7)
    assert len({deed.name for deed in deeds}) == 4
    assert {deed.database for deed in deeds} == {"audit", "portal", "allocation", "beneficiaries"}


def bundle(entries: list[bytes]) -> bytes:
    """Entries as a tlog bundle holds them: each after its length in two bytes."""
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def entries_of(content: bytes) -> list[bytes]:
    found, place = [], 0
    while place < len(content):
        length = int.from_bytes(content[place : place + 2])
        found.append(content[place + 2 : place + 2 + length])
        place += 2 + length
    return found


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=20), st.data())
def test_altering_an_entry_changes_that_entry_in_one_bit_and_no_other(
    entries: list[bytes], data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, len(entries) - 1))
    content = bundle(entries)
    changed = entries_of(alterations._flipped(content, alterations._middle_of(content, number)))
    assert [n for n, entry in enumerate(changed) if entry != entries[n]] == [number]
    bits = sum((one ^ other).bit_count() for one, other in zip(changed[number], entries[number], strict=True))
    assert bits == 1
