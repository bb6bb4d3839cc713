"""Who must be told: the holders of a permission for a unit or for one above it, on a day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from services.portal.listening import HANDLERS
from shared.journal.envelope import Envelope
from shared.kernel import canonical
from shared.kernel.acts import Act
from shared.kernel.ids import id_of, new_id
from tests.integration.portal.conftest import MORNING, PROVINCE, Portal
from tests.integration.portal.test_accounts import code_of

DISTRICT, OTHER, COMMUNE = (str(id_of("test-unit", name)) for name in ("district", "other", "commune"))
TREE = ((DISTRICT, PROVINCE, None), (OTHER, PROVINCE, None), (COMMUNE, DISTRICT, "2024-12-31"))


def unit(unit_id: str, parent: str, until: str | None, since: str = "2023-04-10") -> dict[str, Any]:
    parents = [{"parent_id": parent, "valid_from": since, "valid_to": until}]
    return {"unit_id": unit_id, "code": "1", "name": "Đơn vị", "parents": parents}


def load(portal: Portal, units: Sequence[dict[str, Any]]) -> None:
    """What the worker does when allocation tells of its units."""
    found = Envelope(
        id=str(new_id()),
        source="allocation",
        epoch=1,
        position=1,
        topic="events",
        type="vn.fundtrail.units.loaded.v1",
        key="snapshot",
        subjects=(),
        occurred_at=MORNING,
        recorded_at=MORNING,
        actor="system:allocation",
        backdated=False,
        data=canonical.encode({"snapshot": "s", "items": list(units)}),
    )
    with portal.unit_of_work.begin(Act.system("portal", MORNING)) as work:
        HANDLERS[found.type](work, found)


def held(
    role: str, unit_id: str, since: str = "2024-01-01", until: str | None = None
) -> list[dict[str, Any]]:
    return [{"role": role, "unit_id": unit_id, "from_on": since, "to_on": until}]


@pytest.fixture
def reader(portal: Portal, boss: str) -> str:
    """The token of the service that notifies, in a portal that knows the tree."""
    load(portal, [unit(*one) for one in TREE])
    return portal.access(portal.hire(boss, "service", "service_notifications", kind="service"))


def names(portal: Portal, token: str, permission: str, unit_id: str | None = None, on: str = "") -> set[str]:
    query = {"permission": permission} | ({"unit_id": unit_id} if unit_id else {})
    client = portal.app.test_client()
    headers = {"Authorization": f"Bearer {token}"} | ({"Business-Date": on} if on else {})
    reply = client.get("/v1/contacts", query_string=query, headers=headers)
    assert reply.status_code == 200, reply.get_data(as_text=True)
    return {one["display_name"].removeprefix("Cán bộ ") for one in reply.get_json()["items"]}


def test_officers_of_the_unit_and_of_those_above_it_are_meant(portal: Portal, boss: str, reader: str) -> None:
    for name, place in (("tinh", PROVINCE), ("huyen", DISTRICT), ("khac", OTHER), ("xa", COMMUNE)):
        portal.hire(boss, name, assignments=held("benefit_officer", place))
    assert names(portal, reader, "lists.submit", COMMUNE) == {"tinh", "huyen", "xa"}
    assert names(portal, reader, "lists.submit", DISTRICT) == {"tinh", "huyen"}
    assert names(portal, reader, "lists.submit", OTHER) == {"tinh", "khac"}
    assert names(portal, reader, "lists.submit") == {"tinh", "huyen", "khac", "xa"}


def test_the_tree_is_that_of_the_day(portal: Portal, boss: str, reader: str) -> None:
    portal.hire(boss, "huyen", assignments=held("benefit_officer", DISTRICT))
    assert names(portal, reader, "lists.submit", COMMUNE, "2024-08-01") == {"huyen"}
    assert names(portal, reader, "lists.submit", COMMUNE, "2025-01-01") == set()


def test_any_role_that_gives_the_permission_counts_once(portal: Portal, boss: str, reader: str) -> None:
    both = held("finance_officer", PROVINCE) + held("accountant", DISTRICT)
    portal.hire(boss, "lan", assignments=both)
    query = {"permission": "units.read", "unit_id": DISTRICT}
    items = portal.ask("GET", "/v1/contacts", reader, query_string=query).get_json()["items"]
    assert len([one for one in items if one["display_name"] == "Cán bộ lan"]) == 1


def test_who_holds_it_no_more_or_not_yet_is_left_alone(portal: Portal, boss: str, reader: str) -> None:
    portal.hire(boss, "cu", assignments=held("benefit_officer", DISTRICT, until="2024-08-04"))
    portal.hire(boss, "moi", assignments=held("benefit_officer", DISTRICT, since="2024-08-06"))
    assert names(portal, reader, "lists.submit", DISTRICT) == set()


def test_blocked_accounts_and_services_are_never_told(portal: Portal, boss: str, reader: str) -> None:
    account = portal.hire(boss, "lan", assignments=held("benefit_officer", DISTRICT))
    portal.hire(boss, "may", assignments=held("benefit_officer", DISTRICT), kind="service")
    assert names(portal, reader, "lists.submit", DISTRICT) == {"lan"}
    portal.ask("POST", f"/v1/users/{account.user_id}/block", boss)
    assert names(portal, reader, "lists.submit", DISTRICT) == set()


def test_a_contact_says_how_to_reach_the_person(portal: Portal, boss: str, reader: str) -> None:
    account = portal.hire(
        boss,
        "lan",
        assignments=held("benefit_officer", DISTRICT),
        email="lan@demo.example",
        phone="0900000001",
        language="en",
    )
    query = {"permission": "lists.submit", "unit_id": DISTRICT}
    (shown,) = portal.ask("GET", "/v1/contacts", reader, query_string=query).get_json()["items"]
    assert shown == {
        "user_id": account.user_id,
        "display_name": "Cán bộ lan",
        "email": "lan@demo.example",
        "phone": "0900000001",
        "language": "en",
    }


def test_contacts_are_for_those_who_may_read_them(portal: Portal, boss: str) -> None:
    token = portal.access(portal.hire(boss, "lan", "finance_officer"))
    reply = portal.ask("GET", "/v1/contacts", token, query_string={"permission": "lists.submit"})
    assert code_of(reply, 403) == "permission_missing"
    assert portal.journal("access.attempt_refused")[-1]["permission"] == "contacts.read"


def test_the_tree_told_again_replaces_what_ended_meanwhile(portal: Portal, boss: str, reader: str) -> None:
    portal.hire(boss, "huyen", assignments=held("benefit_officer", DISTRICT))
    load(portal, [unit(COMMUNE, DISTRICT, "2024-08-01")])
    assert names(portal, reader, "lists.submit", COMMUNE) == set()
    assert portal.one("SELECT count(*) FROM unit_parents") == len(TREE)
