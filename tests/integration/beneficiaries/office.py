"""A benefits office under test: its API, its jobs, and allocation's answers as they come over the bus."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import xlsxwriter
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from services.beneficiaries.listening import HANDLERS, TOPICS
from services.beneficiaries.register.rows import COLUMNS
from shared.bus import cloud_events
from shared.bus.port import Delivered
from shared.db.engine import dedicated
from shared.db.unit_of_work import UnitOfWork
from shared.inbox.consumer import Consumer, Message, act_of
from shared.jobs.runner import Runner
from shared.journal.envelope import Envelope
from shared.kernel import canonical
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock
from shared.kernel.ids import id_of, new_id

if TYPE_CHECKING:
    from shared.bus.port import Bus

ISSUER, AUDIENCE = "https://issuer.test", "fundtrail"
JULY_20 = datetime(2024, 7, 20, 5, tzinfo=UTC)
PROVINCE = id_of("unit", "Quảng Nam")
NUI_THANH, THANG_BINH = id_of("unit", "Núi Thành"), id_of("unit", "Thăng Bình")
COMMUNES = {
    "20965": ("Tam Anh Bắc", NUI_THANH),
    "20986": ("Núi Thành", NUI_THANH),
    "20791": ("Bình Nguyên", THANG_BINH),
}
OFFICER = (
    "persons.import",
    "persons.read",
    "openings.import",
    "changes.request",
    "payroll.run",
    "payroll.read",
)
LISTS = ("lists.read", "lists.submit", "lists.withdraw", "lists.export", "results.upload", "results.read")
APPROVER = ("persons.approve", "changes.approve", "openings.approve", "lists.approve", "lists.read")
SERVICE = "beneficiaries"
DEATH = {"person_number": "QN-1", "kind": "death", "details": {"died_on": "2024-06-02"}, "evidence": "x"}
MULTIPART = "multipart/form-data; boundary=line"


@dataclass
class Person:
    """Somebody at a desk, with their permissions in some units."""

    office: Office
    subject: str
    permissions: tuple[str, ...]
    units: tuple[UUID, ...] = (PROVINCE,)

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> TestResponse:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {self._token()}", "Idempotency-Key": str(new_id())}
        options: dict[str, Any] = {} if body is None else {"json": body}
        headers |= more.pop("headers", {})
        return self.office.app.test_client().open(path, method=method, headers=headers, **options, **more)

    def post(self, path: str, body: Any = None) -> Any:  # noqa: ANN401 - the body of a good reply
        return self.good(self.ask("POST", path, body))

    def get(self, path: str) -> Any:  # noqa: ANN401 - the body of a good reply
        return self.good(self.ask("GET", path))

    def send(self, path: str, content: bytes, name: str = "file") -> TestResponse:
        head = f'--line\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        body = head + content + b"\r\n--line--\r\n"
        return self.ask("POST", path, data=body, headers={"Content-Type": MULTIPART})

    @staticmethod
    def good(reply: TestResponse) -> Any:  # noqa: ANN401 - the body
        assert reply.status_code < 300, reply.get_json()
        return reply.get_json()

    def _token(self) -> str:
        units = [str(unit) for unit in self.units]
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": self.subject,
            "name": self.subject,
            "exp": int(self.office.clock.now().timestamp()) + 600,
            "grants": dict.fromkeys(self.permissions, units),
        }
        return jwt.encode({"alg": "ES256", "kid": self.office.key.kid}, claims, self.office.key)


@dataclass
class Office:
    """The service's parts under test."""

    app: Flask
    unit_of_work: UnitOfWork
    runner: Runner
    owner: Engine
    clock: FixedClock
    key: ECKey
    position: int = 0

    @property
    def officer(self) -> Person:
        return Person(self, "lan", (*OFFICER, *LISTS, "jobs.read"))

    @property
    def approver(self) -> Person:
        return Person(self, "minh", APPROVER)

    def on(self, year: int, month: int, day: int) -> None:
        """Another day begins."""
        noon = datetime(year, month, day, 5, tzinfo=UTC)
        self.clock.advance(noon - self.clock.now())

    def work_off(self) -> None:
        """Run every job that waits."""
        with dedicated(self.unit_of_work.engine) as lock:
            while self.runner._run_one(lock, threading.Event(), lambda: None):
                pass

    def hear(self, kind: str, **data: Any) -> None:  # noqa: ANN401 - fields of the event
        """A fact of allocation arrives."""
        item = self.fact(kind, **data)
        with self.unit_of_work.begin(Act.system("beneficiaries", self.clock.now())) as work:
            HANDLERS[item.type](work.under(act_of("beneficiaries", item)), item)

    def deliver(self, *items: Envelope) -> None:
        """Facts come over the bus, in one batch, through the inbox."""
        consumer = Consumer("beneficiaries", cast("Bus", None), TOPICS, self.unit_of_work, HANDLERS)
        consumer._take([Message(_delivered(item), item) for item in items])

    def quarantined(self) -> list[tuple[str, str]]:
        """State and code of everything that was put aside, in the order in which it came."""
        rows = self.rows("SELECT state, code FROM quarantine ORDER BY number")
        return [(row.state, row.code) for row in rows]

    def fact(self, kind: str, event_id: str | None = None, **data: Any) -> Envelope:  # noqa: ANN401 - as above
        """A fact of allocation, under an id of its own unless one is given."""
        self.position += 1
        now = self.clock.now()
        return Envelope(
            id=event_id or str(new_id()),
            source="allocation",
            epoch=1,
            position=self.position,
            topic="events",
            type=f"vn.fundtrail.{kind}.v1",
            key=str(data.get("list_id", "")),
            subjects=(),
            occurred_at=now,
            recorded_at=now,
            actor="system:allocation",
            backdated=False,
            data=canonical.encode(data),
        )

    def rows(self, query: str, **values: Any) -> Sequence[Any]:  # noqa: ANN401 - values of SQL
        with self.owner.connect() as connection:
            return connection.execute(text(query), values).all()

    def one(self, query: str, **values: Any) -> Any:  # noqa: ANN401 - a value of SQL
        with self.owner.connect() as connection:
            return connection.scalar(text(query), values)

    def events(self, kind: str) -> list[dict[str, Any]]:
        found = self.rows(
            "SELECT data FROM journal WHERE type = :type ORDER BY seq", type=f"vn.fundtrail.{kind}.v1"
        )
        return [canonical.decode(bytes(row.data)) for row in found]

    def load_units(self) -> None:
        self.hear(
            "units.loaded", snapshot="s", items=[*map(_district, (NUI_THANH, THANG_BINH)), *_communes()]
        )

    def import_persons(self, *people: Mapping[str, str], dry_run: bool = False) -> dict[str, Any]:
        """The job that read the file; its sound rows were approved by another person and have entered."""
        return self.take_in(self.send_register(*people, dry_run=dry_run))

    def take_in(self, started: Mapping[str, Any]) -> dict[str, Any]:
        """The job that read a file; where it has sound rows, another person approved them."""
        self.work_off()
        job: dict[str, Any] = self.officer.get(f"/v1/jobs/{started['job_id']}")
        registration_id = started["registration_id"]
        if registration_id and self.registration(registration_id)["accepted_count"]:
            self.approve_register(registration_id)
        return job

    def registration(self, registration_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.officer.get(f"/v1/registrations/{registration_id}")
        return found

    def send_register(self, *people: Mapping[str, str], dry_run: bool = False) -> dict[str, Any]:
        """The registration of a file and the job that will read it."""
        path = f"/v1/persons/imports?dry_run={str(dry_run).lower()}"
        started: dict[str, Any] = self.officer.good(self.officer.send(path, csv_of(COLUMNS, people)))
        return started

    def prepare_register(self, *people: Mapping[str, str]) -> str:
        """The registration of a file that was read and waits for approval."""
        registration_id: str = self.send_register(*people)["registration_id"]
        self.work_off()
        return registration_id

    def approve_register(self, registration_id: str) -> dict[str, Any]:
        """The job that entered the sound rows of a file."""
        started = self.approver.post(f"/v1/registrations/{registration_id}/approval")
        self.work_off()
        job: dict[str, Any] = self.officer.get(f"/v1/jobs/{started['job_id']}")
        return job

    def take_over(self, period: str, *lines: tuple[str, str, int]) -> str:
        """The id of the closed opening of a month."""
        rows = [{"person_number": n, "code": c, "amount_vnd": str(amount)} for n, c, amount in lines]
        content = csv_of(("person_number", "code", "amount_vnd"), rows)
        started = self.officer.good(self.officer.send(f"/v1/openings/{period}/imports", content))
        self.work_off()
        self.approver.post(f"/v1/openings/{started['opening_id']}/approval")
        opening_id: str = started["opening_id"]
        return opening_id

    def pay(self, period: str) -> dict[str, Any]:
        """The computed run of a month."""
        self.officer.post(f"/v1/payroll/{period}")
        self.work_off()
        run: dict[str, Any] = self.officer.get(f"/v1/payroll/{period}")
        return run

    def lists(self, period: str = "2024-08") -> dict[tuple[str, str], dict[str, Any]]:
        """The lists of a month by district and provider."""
        names = {str(NUI_THANH): "Núi Thành", str(THANG_BINH): "Thăng Bình"}
        items = self.officer.get(f"/v1/lists?period={period}")["items"]
        return {(names[one["unit_id"]], one["provider"]): one for one in items}

    def approve(self, list_id: str) -> dict[str, Any]:
        """The list, submitted by one person and approved by another."""
        submitted = self.officer.post(f"/v1/lists/{list_id}/submission")
        content = {"content_sha256": submitted["content_sha256"]}
        approved: dict[str, Any] = self.approver.post(f"/v1/lists/{list_id}/approval", content)
        return approved

    def instruct(self, list_id: str) -> dict[str, Any]:
        """The list, approved, funded and instructed."""
        approved = self.approve(list_id)
        for kind in ("funds.held", "funds.drawn"):
            self.hear(kind, list_id=list_id, submission=approved["submission"], lines=[])
        self.work_off()
        instructed: dict[str, Any] = self.officer.get(f"/v1/lists/{list_id}")
        assert instructed["state"] == "instructed"
        return instructed

    def payments(self, list_id: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.officer.get(f"/v1/lists/{list_id}/payments")["items"]
        return items

    def answer(self, provider: str, content: bytes) -> dict[str, Any]:
        """The statement, matched."""
        started = self.officer.good(self.officer.send(f"/v1/statements?provider={provider}", content))
        self.work_off()
        statement: dict[str, Any] = self.officer.get(f"/v1/statements/{started['statement_id']}")
        return statement

    def answer_for(
        self, provider: str, *rows: tuple[str, int, str], day: str = "2024-08-05"
    ) -> dict[str, Any]:
        """The statement that says of each payment why it came back, or nothing where it was paid."""
        if provider.startswith("BANK"):
            return self.answer(provider, bank_answer(*rows, day=day))
        results = [(payment, amount, "Chưa trả" if why else "Đã trả", why) for payment, amount, why in rows]
        return self.answer(provider, post_answer(*results, day=day))

    def outcomes(self, list_id: str, query: str = "") -> dict[str, dict[str, Any]]:
        """How each payment of a list stands, by its id."""
        items = self.officer.get(f"/v1/lists/{list_id}/outcomes{query}")["items"]
        return {one["id"]: one for one in items}

    def reissue(self, list_id: str, provider: str, *payments: str) -> dict[str, Any]:
        """What became of the wish to pay again what came back."""
        body: dict[str, Any] = {"provider": provider}
        if payments:
            body["payment_ids"] = list(payments)
        made: dict[str, Any] = self.officer.post(f"/v1/lists/{list_id}/reissues", body)
        return made

    def change(self, number: str, kind: str, **details: Any) -> dict[str, Any]:  # noqa: ANN401 - details
        """A change that one person reported and another approved."""
        body = {"person_number": number, "kind": kind, "details": details, "evidence": "paper"}
        requested = self.officer.post("/v1/changes", body)
        approved: dict[str, Any] = self.approver.post(f"/v1/changes/{requested['id']}/approval")
        return approved

    def unmatched(self, statement: Mapping[str, Any]) -> list[tuple[int, str]]:
        page = self.officer.get(f"/v1/statements/{statement['id']}/unmatched")
        return [(row["row"], row["code"]) for row in page["items"]]


def problem_of(reply: TestResponse) -> tuple[int, str]:
    """Status and code of a refusal."""
    body = reply.get_json() or {}
    return reply.status_code, body.get("code", "")


def faults_of(reply: TestResponse) -> list[tuple[str, str]]:
    """Place and code of every fault of a refusal."""
    return [(one.get("pointer", ""), one["code"]) for one in reply.get_json()["errors"]]


def _delivered(item: Envelope) -> Delivered:
    record = cloud_events.to_record(item.to_cloud_event("topic"), TOPICS[0])
    return Delivered(record.topic, 0, item.position, record.key, record.headers, record.value)


def person(number: str, **changes: str) -> dict[str, str]:
    """A row of a register file."""
    row = {
        "number": number,
        "full_name": "Nguyễn Thị Hoà",
        "birth_year": "1948",
        "identity_number": "",
        "commune_code": "20965",
        "benefits": "TB:45:2015-03",
        "provider": "POST-QNA",
        "bank_code": "",
        "account_number": "",
    }
    return row | changes


def by_bank(number: str, **changes: str) -> dict[str, str]:
    bank = {"provider": "BANK-QNA", "bank_code": "VBA", "account_number": "4201205123456"}
    return person(number, **(bank | changes))


def csv_of(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> bytes:
    lines = [",".join(columns), *(",".join(row[column] for column in columns) for row in rows)]
    return "\n".join(lines).encode()


def post_answer(*rows: tuple[str, int, str, str], day: str = "2024-08-05") -> bytes:
    """The post's result list. Shape: payment, amount, result, reason."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ("Mã chi trả", "Số tiền (đồng)", "Kết quả", "Lý do", "Ngày chi trả"))
        for number, row in enumerate(rows, 1):
            sheet.write_row(number, 0, (*row, day))
    return buffer.getvalue()


def bank_answer(*rows: tuple[str, int, str], currency: str = "VND", day: str = "2024-08-05") -> bytes:
    """The bank's camt.053. Shape: payment, amount, return reason or nothing."""
    entries = "".join(
        f"<Ntry><ValDt><Dt>{day}</Dt></ValDt><NtryDtls><TxDtls><Refs><EndToEndId>{UUID(payment).hex}"
        f'</EndToEndId></Refs><Amt Ccy="{currency}">{amount}</Amt>'
        + (f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>" if reason else "")
        + "</TxDtls></NtryDtls></Ntry>"
        for payment, amount, reason in rows
    )
    space = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
    return (
        f'<Document xmlns="{space}"><BkToCstmrStmt><Stmt>{entries}</Stmt></BkToCstmrStmt></Document>'.encode()
    )


def _district(unit_id: UUID) -> dict[str, Any]:
    return _unit(unit_id, str(unit_id)[:6], "a district", 2, PROVINCE)


def _communes() -> list[dict[str, Any]]:
    return [_unit(id_of("unit", code), code, name, 3, above) for code, (name, above) in COMMUNES.items()]


def _unit(unit_id: UUID, code: str, name: str, level: int, parent: UUID) -> dict[str, Any]:
    since = date(1900, 1, 1).isoformat()
    return {
        "unit_id": str(unit_id),
        "code": code,
        "name": name,
        "level": level,
        "valid_from": since,
        "valid_to": None,
        "parents": [{"parent_id": str(parent), "valid_from": since, "valid_to": None}],
    }
