"""Every route with what is no request: without a token, a right, a key, with fields and values of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from deploy.local.scratch import ScratchDatabases
from services.beneficiaries.reconciliation.handlers import FILE_BYTES_MAX
from shared.kernel.ids import id_of
from shared.web.acting import SIGNED_IN
from tests.conftest import migrate_service
from tests.integration.beneficiaries.conftest import checked, with_rates
from tests.integration.beneficiaries.office import (
    DEATH,
    MULTIPART,
    SERVICE,
    THANG_BINH,
    Office,
    Person,
    person,
    problem_of,
)

ID = str(id_of("nothing", "that exists"))
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Way:
    """One route: how it is asked soundly, and by which right."""

    method: str
    path: str
    permission: str
    body: dict[str, Any] | None = None
    file: bool = False
    keyed: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def ask(self, who: Person, **more: Any) -> Any:  # noqa: ANN401 - a reply
        if self.file:
            headers = {"Content-Type": "multipart/form-data; boundary=line"} | more.pop("headers", {})
            part = 'Content-Disposition: form-data; name="file"; filename="f"'
            data = f"--line\r\n{part}\r\n\r\nx\r\n--line--\r\n".encode()
            return who.ask(self.method, self.path, data=more.pop("data", data), headers=headers, **more)
        return who.ask(self.method, self.path, more.pop("body", self.body), **more)


WAYS = (
    Way("GET", "/v1/rates", "rates.read"),
    Way("GET", "/v1/providers", "lists.read"),
    Way("POST", "/v1/persons/imports", "persons.import", file=True),
    Way("GET", "/v1/persons?number=QN-1", "persons.read"),
    Way("GET", "/v1/registrations", "persons.read"),
    Way("GET", f"/v1/registrations/{ID}", "persons.read"),
    Way("POST", f"/v1/registrations/{ID}/approval", "persons.approve"),
    Way("POST", f"/v1/registrations/{ID}/rejection", "persons.approve", {"reason": "x"}),
    Way("GET", "/v1/changes", "persons.read"),
    Way("GET", f"/v1/changes/{ID}", "persons.read"),
    Way("POST", "/v1/changes", "changes.request", DEATH),
    Way("POST", f"/v1/changes/{ID}/approval", "changes.approve"),
    Way("POST", f"/v1/changes/{ID}/rejection", "changes.approve"),
    Way("POST", "/v1/openings/2024-07/imports", "openings.import", file=True),
    Way("POST", f"/v1/openings/{ID}/approval", "openings.approve"),
    Way("POST", "/v1/payroll/2024-08", "payroll.run"),
    Way("GET", "/v1/payroll/2024-08", "payroll.read"),
    Way("GET", "/v1/payroll/2024-08/summary", "lists.read"),
    Way("GET", f"/v1/persons/{ID}/payments", "lists.read"),
    Way("GET", "/v1/lists?period=2024-08", "lists.read"),
    Way("GET", f"/v1/lists/{ID}", "lists.read"),
    Way("GET", f"/v1/lists/{ID}/payments", "lists.read"),
    Way("GET", f"/v1/lists/{ID}/signatures", "lists.read"),
    Way("POST", f"/v1/lists/{ID}/submission", "lists.submit"),
    Way("POST", f"/v1/lists/{ID}/approval", "lists.approve", {"content_sha256": "0" * 64}),
    Way("POST", f"/v1/lists/{ID}/return", "lists.approve", {"reason": "x"}),
    Way("POST", f"/v1/lists/{ID}/withdrawal", "lists.withdraw", {"reason": "x"}),
    Way("POST", f"/v1/lists/{ID}/file", "lists.export", keyed=False),
    Way("POST", f"/v1/lists/{ID}/closure", "lists.submit"),
    Way("POST", f"/v1/lists/{ID}/reissues", "lists.submit", {"provider": "POST-QNA"}),
    Way("GET", f"/v1/lists/{ID}/outcomes", "results.read"),
    Way("POST", "/v1/statements?provider=POST-QNA", "results.upload", file=True),
    Way("GET", "/v1/statements", "results.read"),
    Way("GET", f"/v1/statements/{ID}", "results.read"),
    Way("GET", "/v1/returns?period=2024-08", "results.read"),
    Way("GET", f"/v1/statements/{ID}/unmatched", "results.read"),
    Way("POST", f"/v1/statements/{ID}/unmatched/2/explanation", "results.upload", {"reason": "x"}),
    Way("GET", "/v1/discrepancies", "results.read"),
    Way("GET", "/v1/unanswered", "results.read"),
)
WRITING = [way for way in WAYS if way.method == "POST"]
KEYED = [way for way in WRITING if way.keyed]
OF_A_MONTH = [way for way in WAYS if "2024-0" in way.path and "?" not in way.path]
WITH_BODY = [way for way in WAYS if way.body is not None]


@pytest.fixture(scope="module")
def office(
    scratch: ScratchDatabases, application: Callable[..., Flask], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """One office for all of them: a refusal leaves nothing behind, and every invariant holds in the end."""
    folder = tmp_path_factory.mktemp("beneficiaries")
    migrated = scratch.fresh(SERVICE, lambda url: migrate_service(SERVICE, url), with_rates)
    with migrated as addresses, checked(addresses, application, folder) as made:
        made.import_persons(person("QN-1"))
        yield made


@pytest.fixture
def no_job(office: Office) -> Iterator[None]:
    """What is refused asks for no work in the background."""
    before = office.one("SELECT count(*) FROM jobs")
    yield
    assert office.one("SELECT count(*) FROM jobs") == before


def by_path(way: Way) -> str:
    return str(way).replace(ID, "ID")


def test_every_route_of_the_service_is_tried_here(office: Office) -> None:
    adapter = office.app.url_map.bind("localhost")
    tried = {(way.method, adapter.match(way.path.partition("?")[0], method=way.method)[0]) for way in WAYS}
    routes = {
        (method, rule.endpoint)
        for rule in office.app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}
        if rule.rule.startswith("/v1/") and not rule.endpoint.startswith(("system.", "jobs."))
    }
    assert tried == routes


@pytest.mark.parametrize("way", WAYS, ids=by_path)
def test_a_route_needs_just_the_permission_that_it_names(office: Office, way: Way) -> None:
    adapter = office.app.url_map.bind("localhost")
    endpoint, _ = adapter.match(way.path.partition("?")[0], method=way.method)
    assert office.app.view_functions[endpoint].permission == way.permission != SIGNED_IN  # type: ignore[attr-defined]
    others = {other.permission for other in WAYS} - {way.permission}
    reply = way.ask(Person(office, "everything else", tuple(sorted(others))))
    assert problem_of(reply) == (403, "permission_missing")
    assert way.permission in reply.get_json()["detail"]
    assert way.ask(Person(office, "lan", (way.permission,))).status_code not in {401, 403, 500}


@pytest.mark.parametrize("way", WAYS, ids=by_path)
def test_nobody_acts_without_a_sound_token(office: Office, way: Way) -> None:
    for token in ("", "Bearer", "Bearer x.y.z", "Basic bGFuOng="):
        reply = way.ask(office.officer, headers={"Authorization": token})
        assert reply.status_code == 401, token
        assert reply.headers["WWW-Authenticate"].lower().startswith("bearer")


@pytest.mark.parametrize("way", WRITING, ids=by_path)
def test_a_refused_attempt_stands_in_the_trail(office: Office, way: Way) -> None:
    refused = "SELECT topic, actor FROM journal WHERE type LIKE '%attempt_refused%' ORDER BY seq"
    before = len(office.rows(refused))
    way.ask(Person(office, "ha", ("rates.read",), (THANG_BINH,)))
    assert [tuple(row) for row in office.rows(refused)[before:]] == [("trail", "ha")]


@pytest.mark.parametrize("way", KEYED, ids=by_path)
@pytest.mark.parametrize("key", ["", " ", "k" * 256], ids=["none", "blank", "too long"])
def test_what_moves_or_promises_money_needs_a_key(office: Office, way: Way, key: str) -> None:
    reply = way.ask(Person(office, "lan", (way.permission,)), headers={"Idempotency-Key": key})
    assert problem_of(reply) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("way", WITH_BODY, ids=by_path)
def test_a_field_that_nobody_knows_is_refused_with_its_place(office: Office, way: Way) -> None:
    who = Person(office, "lan", (way.permission,))
    reply = way.ask(who, body={**(way.body or {}), "more": 1})
    assert problem_of(reply) == (422, "request_invalid")
    assert "/more" in [error["pointer"] for error in reply.get_json()["errors"]]


@pytest.mark.parametrize("way", WITH_BODY, ids=by_path)
@pytest.mark.parametrize(
    "value",
    [None, 0, -1, 2**63, 10**40, 1.5, True, [], [[]], {}, {"a": {}}, ""],
    ids=["null", "0", "-1", "2^63", "10^40", "fraction", "true", "list", "lists", "object", "deep", "blank"],
)
def test_a_value_of_the_wrong_kind_is_refused_in_every_field(office: Office, way: Way, value: object) -> None:
    who = Person(office, "lan", (way.permission,))
    for name in way.body or {}:
        reply = way.ask(who, body={**(way.body or {}), name: value})
        assert problem_of(reply) == (422, "request_invalid"), name


@pytest.mark.parametrize("way", WITH_BODY, ids=by_path)
@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'"x"', b"null", b"\xff"],
    ids=["empty", "cut", "list", "text", "null", "no utf-8"],
)
def test_a_body_that_is_no_object_is_refused(office: Office, way: Way, data: bytes) -> None:
    who = Person(office, "lan", (way.permission,))
    reply = who.ask(way.method, way.path, data=data, headers=JSON)
    assert reply.status_code in {400, 422}
    assert reply.get_json()["status"] == reply.status_code


@pytest.mark.parametrize("way", WITH_BODY, ids=by_path)
def test_a_body_of_another_kind_or_size_is_refused(office: Office, way: Way) -> None:
    who = Person(office, "lan", (way.permission,))
    other = who.ask(way.method, way.path, data=b"reason=x", headers={"Content-Type": "text/plain"})
    assert other.status_code == 415
    large = way.ask(who, body={**(way.body or {}), "reason": "x" * (1024 * 1024 + 1)})
    assert large.status_code == 413


@pytest.mark.parametrize("way", [way for way in WAYS if ID in way.path], ids=by_path)
@pytest.mark.parametrize("name", ["x", "1", ID[:-1], ID + "0", "%00", "..%2f"])
def test_an_id_that_is_none_leads_nowhere(office: Office, way: Way, name: str) -> None:
    changed = Way(way.method, way.path.replace(ID, name), way.permission, way.body)
    assert changed.ask(Person(office, "lan", (way.permission,))).status_code in {404, 405}


@pytest.mark.parametrize("way", OF_A_MONTH, ids=by_path)
@pytest.mark.parametrize(
    "month", ["2024-13", "2024-00", "0000-01", "9999-12", "2024", "august", "2024-8", "-1"]
)
def test_a_month_that_is_none_is_refused(office: Office, way: Way, month: str) -> None:
    path = way.path.replace("2024-08", month).replace("2024-07", month)
    changed = Way(way.method, path, way.permission, way.body, file=way.file)
    reply = changed.ask(Person(office, "lan", (way.permission,)))
    assert problem_of(reply) == (422, "period_invalid")


@pytest.mark.usefixtures("no_job")
@pytest.mark.parametrize("way", [way for way in WAYS if way.file], ids=by_path)
def test_a_file_that_is_not_there_is_refused(office: Office, way: Way) -> None:
    who = Person(office, "lan", (way.permission,))
    empty = way.ask(who, data=b"--line--\r\n")
    assert problem_of(empty) == (422, "request_invalid")
    other = b'--line\r\nContent-Disposition: form-data; name="other"; filename="f"\r\n\r\nx\r\n--line--\r\n'
    assert problem_of(way.ask(who, data=other)) == (422, "request_invalid")


@pytest.mark.usefixtures("no_job")
@pytest.mark.parametrize(
    "way", [way for way in WAYS if way.file and not way.path.startswith("/v1/statements")], ids=by_path
)
def test_a_file_beyond_twenty_mebibytes_is_refused(office: Office, way: Way) -> None:
    who = Person(office, "lan", (way.permission,))
    assert who.send(way.path, b"x" * (20 * 1024 * 1024 + 1)).status_code == 413


@pytest.mark.usefixtures("no_job")
@pytest.mark.parametrize(("beyond", "status"), [(0, 400), (1, 413)], ids=["as large as may be", "larger"])
def test_a_statement_may_be_longer_and_has_its_bound(office: Office, beyond: int, status: int) -> None:
    size = (
        FILE_BYTES_MAX + 64 * 1024 + beyond
    )  # the form around the file included; it is not read beyond that
    reply = office.officer.ask(
        "POST",
        "/v1/statements?provider=POST-QNA",
        data=b"",
        headers={"Content-Type": MULTIPART},
        environ_overrides={"CONTENT_LENGTH": str(size)},
    )
    assert reply.status_code == status


@pytest.mark.parametrize("way", [way for way in WAYS if way.method == "GET"], ids=by_path)
def test_a_question_that_nobody_knows_is_refused(office: Office, way: Way) -> None:
    who = Person(office, "lan", (way.permission,))
    sound = way.ask(who).status_code
    sign = "&" if "?" in way.path else "?"
    reply = who.ask("GET", f"{way.path}{sign}colour=red")
    assert reply.status_code in {422, sound}
    for bad in ("limit=0", "limit=-1", "limit=501", "limit=x", "cursor=WzFd", "cursor=%00", "cursor=[]"):
        assert who.ask("GET", f"{way.path}{sign}{bad}").status_code in {404, 422, sound}, bad


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", f"/v1/lists/{ID}"),
        ("PUT", "/v1/changes"),
        ("PATCH", "/v1/persons"),
        ("GET", "/v1/persons/imports"),
    ],
    ids=["delete", "put", "patch", "get"],
)
def test_nothing_is_deleted_or_overwritten(office: Office, method: str, path: str) -> None:
    assert office.officer.ask(method, path).status_code == 405
