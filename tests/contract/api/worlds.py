"""Services with real rows in them, and what is to be asked of those that concern a unit."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from services.allocation.refusals import REFUSALS as OF_ALLOCATION
from services.audit.log import keys, proofs
from services.beneficiaries.lists import handlers as lists
from services.beneficiaries.lists.jobs import InstructListJob
from services.beneficiaries.openings import jobs as openings
from services.beneficiaries.payroll import handlers as payroll
from services.beneficiaries.payroll.jobs import PayrollJob
from services.beneficiaries.rates.handlers import load_rates
from services.beneficiaries.rates.published import published_rates
from services.beneficiaries.reconciliation import handlers as reconciliation
from services.beneficiaries.reconciliation.jobs import ReconcileStatementJob, TellOutcomesJob
from services.beneficiaries.refusals import REFUSALS as OF_BENEFICIARIES
from services.beneficiaries.register import jobs as register
from services.beneficiaries.register.handlers import Registrar
from services.beneficiaries.register.model import ENTER, READ
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.runner import Runner
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock
from shared.kernel.ids import id_of, new_id
from shared.web.auth import TokenVerifier
from shared.web.context import EXTENSION
from tests.conftest import migrate_service
from tests.contract.api.callers import AUDIENCE, ISSUER, Caller, started
from tests.integration.allocation.conftest import published_lists
from tests.integration.allocation.district import District
from tests.integration.allocation.house import CEMETERY_ARTICLE, MERIT, NOON, House, Person, envelope
from tests.integration.allocation.offices import Offices, line
from tests.integration.allocation.test_formulas import formula
from tests.integration.audit.conftest import Audit
from tests.integration.beneficiaries.office import (
    COMMUNES,
    JULY_20,
    NUI_THANH,
    PROVINCE,
    THANG_BINH,
    Office,
    person,
    post_answer,
)

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.local.provisioning import Addresses
    from deploy.local.scratch import ScratchDatabases
    from shared.kernel.clock import Clock

Options = dict[str, Any]
Relations = Mapping[str, str]
NOWHERE = str(id_of("unit", "that stands nowhere"))


@dataclass(frozen=True)
class Ask:
    """A sound request that concerns a unit, and how the units of a token can stand to that unit."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    options: Callable[[], Options] = dict
    relations: Relations | None = None


@dataclass
class World:
    """One service with rows, the units of its tokens, and its operations that concern a unit."""

    caller: Caller
    relations: Relations
    asks: Mapping[str, Ask] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    desk: Any = None  # its people, where it has rows


@contextlib.contextmanager
def world_of(service: str, scratch: ScratchDatabases, folder: Path) -> Iterator[World]:
    """A service with rows; those without units of their own have none."""
    make = {"allocation": allocation, "beneficiaries": beneficiaries, "audit": audit}.get(service, bare)
    fill = published_lists if service == "allocation" else None
    with scratch.fresh(service, lambda url: migrate_service(service, url), fill) as addresses:
        caller = started(service, addresses, folder)
        with contextlib.ExitStack() as stack:
            stack.callback(caller.context.unit_of_work.engine.dispose)
            yield make(caller, addresses, folder, stack)


def bare(caller: Caller, *_: object) -> World:
    """A service whose operations concern no unit."""
    units = {name: str(id_of("unit", name)) for name in ("own", "child", "parent", "foreign")}
    return World(caller, units)


def audit(caller: Caller, addresses: Addresses, folder: Path, stack: contextlib.ExitStack) -> World:
    """A log with one instruction of one payment, signed and to be found."""
    world, payment = bare(caller), str(id_of("payment", "that was instructed"))
    items = [{"payment_id": payment, "list_id": payment, "person_id": payment, "amount_vnd": 1000}]
    told = envelope("vn.fundtrail.payments.instructed.v1", {"list_id": payment, "items": items})
    owner = make_engine(addresses.owner, application="tests-world")
    stack.callback(owner.dispose)
    signer = keys.load_signer(folder / "keys")
    log = Audit(caller.context.unit_of_work, owner, owner, FixedClock(NOON), folder / "keys", signer)
    log.take(told._replace(items_root=proofs.items_root(items).hex()))
    log.sign()
    log.index()
    world.ids = {"payment_id": payment, "index": "0"}
    return world


def offices_of(caller: Caller, addresses: Addresses, stack: contextlib.ExitStack) -> Offices:
    """The people of allocation, on 5/8/2024."""
    clock = FixedClock(NOON)
    at(caller, clock, OF_ALLOCATION)
    house = House(addresses, clock)
    stack.callback(house.close)
    return Offices(house, lambda subject, grants: Person(caller.app, caller.key, clock, subject, grants))


def allocation(caller: Caller, addresses: Addresses, _: Path, stack: contextlib.ExitStack) -> World:
    """A district with a decision and a transfer, on 5/8/2024."""
    offices = offices_of(caller, addresses, stack)
    district, foreign = offices.unit("517", 2), offices.unit("516", 2)
    (commune, *_) = sorted(communes_of(offices, district))
    units = {"own": district, "child": commune, "parent": offices.province, "foreign": foreign}
    own = District(offices, district, numbers=900)
    asked_for = {"withdrawal_id": own.asked(own.held(1_000_000))["id"]}
    decision = offices.draft([line(1_000_000, district)], issuing_unit_id=district)
    moved = to_allotment(district)
    assert offices.accountant.send("/v1/transfers", {"transfers": [moved]}).status_code == 200
    place = {"decision_id": decision}
    of_account = {"account_id": offices.accountant.get("/v1/accounts", unit_id=district)["items"][0]["id"]}
    header = offices.header(issuing_unit_id=district)
    shares = [{"unit_id": district, "count": 1}]
    computed = formula(offices, shares, instrument="none that is known", issuing_unit_id=district)
    asks = {
        "GET /v1/accounts/{account_id}": Ask(of_account),
        "GET /v1/accounts/{account_id}/transfers": Ask(of_account),
        "GET /v1/balances": Ask(query={"fiscal_year": 2024, "unit_id": district}),
        "GET /v1/decisions/{decision_id}": Ask(place),
        "GET /v1/decisions/{decision_id}/history": Ask(place),
        "POST /v1/withdrawals/{withdrawal_id}/confirmation": Ask(
            asked_for, options=lambda: {"json": {"reference": "KB-1"}}
        ),
        "POST /v1/withdrawals/{withdrawal_id}/refusal": Ask(
            asked_for, options=lambda: {"json": {"reason": "why"}}
        ),
        "POST /v1/decisions": Ask(options=lambda: {"json": header | {"lines": [line(1000, district)]}}),
        "POST /v1/decisions/annexes": Ask(options=lambda: annex_of(header)),
        "POST /v1/decisions/formulas": Ask(options=lambda: {"json": computed}),
        "POST /v1/decisions/{decision_id}/submission": Ask(place),
        "POST /v1/decisions/{decision_id}/approval": Ask(place),
        "POST /v1/decisions/{decision_id}/return": Ask(place, options=lambda: {"json": {"reason": "why"}}),
        "PUT /v1/decisions/{decision_id}": Ask(
            place, options=lambda: {"json": header | {"lines": [line(1000, district)]}}
        ),
        "PUT /v1/decisions/{decision_id}/annex": Ask(place, options=lambda: annex_of(header)),
        "PUT /v1/decisions/{decision_id}/formula": Ask(place, options=lambda: {"json": computed}),
        "POST /v1/decisions/{decision_id}/withdrawal": Ask(
            place, options=lambda: {"json": {"reason": "why"}}
        ),
        "POST /v1/decisions/{decision_id}/issue": Ask(
            place, options=lambda: {"json": {"number": "1/QĐ", "issued_on": "2024-08-05"}}
        ),
        "POST /v1/transfers": Ask(options=lambda: {"json": {"transfers": [to_allotment(district)]}}),
        "POST /v1/transfers/{transfer_id}/reversal": Ask(
            {"transfer_id": moved["id"]}, options=lambda: {"json": {"reason": "why"}}
        ),
        "POST /v1/ledger/years/{fiscal_year}/closing": Ask(
            {"fiscal_year": "2023"},
            relations={"own": offices.province, "child": district, "foreign": NOWHERE},
        ),
    }
    return World(caller, units, asks, {**place, "transfer_id": moved["id"]}, offices)


def communes_of(offices: Offices, district: str) -> set[str]:
    """The units below a district."""
    return {unit["id"] for unit in offices.officer.pages("/v1/units", parent_id=district)}


def to_allotment(unit: str) -> Options:
    """Money from its source to a unit, under a new id."""
    key = {"fiscal_year": 2024, **MERIT}
    return {
        "id": str(new_id()),
        "debit": {**key, "role": "source", "unit_id": None},
        "credit": {**key, "role": "allotment", "unit_id": unit},
        "amount_vnd": 1000,
        "kind": "direct",
    }


def annex_of(header: Mapping[str, Any]) -> Options:
    """A form with a file that is no annex: who may not draft for the unit is not even told that."""
    form = {name: str(value) for name, value in header.items()}
    form |= {"article_id": str(CEMETERY_ARTICLE), "units_on": "2024-01-01", "demonstration": "false"}
    return {"data": {**form, "file": (io.BytesIO(b"x"), "f")}, "content_type": "multipart/form-data"}


def office_of(caller: Caller, addresses: Addresses, stack: contextlib.ExitStack) -> Office:
    """The benefits office with its rates and units, on 20/7/2024."""
    clock = FixedClock(JULY_20)
    at(caller, clock, OF_BENEFICIARIES)
    owner = make_engine(addresses.owner, application="tests-world")
    stack.callback(owner.dispose)
    work, parts = caller.context.unit_of_work, caller.context.parts
    with work.begin(Act.system("beneficiaries", JULY_20)) as loading:
        load_rates(loading, published_rates())
    kinds = {
        READ: register.ImportPersonsJob(parts["documents"], Registrar(parts["sealer"])),
        ENTER: register.EnterRegistrationJob(),
        openings.KIND: openings.ImportOpeningJob(parts["documents"]),
        payroll.KIND: PayrollJob(work),
        lists.INSTRUCT: InstructListJob(),
        reconciliation.KIND: ReconcileStatementJob(parts["documents"]),
        reconciliation.TELL: TellOutcomesJob(),
    }
    office = Office(caller.app, work, Runner(work, kinds), owner, clock, caller.key)
    office.load_units()
    return office


def beneficiaries(caller: Caller, addresses: Addresses, _: Path, stack: contextlib.ExitStack) -> World:
    """A district with persons, a list, a change and a statement, on 20/7/2024."""
    office = office_of(caller, addresses, stack)
    office.import_persons(person("QN-1"), person("QN-2", commune_code="20791"))
    office.pay("2024-08")
    list_id = office.lists()["Núi Thành", "POST-QNA"]["id"]
    statement = office.answer("POST-QNA", post_answer((str(new_id()), 1, "Đã trả", "")))
    change = office.officer.post("/v1/changes", death_of("QN-1"))
    sent = {"registration_id": office.prepare_register(person("QN-3"))}
    units = {"own": NUI_THANH, "child": commune("20965"), "parent": PROVINCE, "foreign": THANG_BINH}
    place = {"list_id": list_id}
    reason, content = {"json": {"reason": "why"}}, {"json": {"content_sha256": "0" * 64}}
    of_commune = {"own": str(commune("20965")), "parent": str(NUI_THANH), "foreign": str(THANG_BINH)}
    asks = {
        **{
            f"GET /v1/lists/{{list_id}}{rest}": Ask(place)
            for rest in ("", "/payments", "/signatures", "/outcomes")
        },
        **{
            f"POST /v1/lists/{{list_id}}/{step}": Ask(place, options=lambda body=body: dict(body))
            for step, body in {
                "submission": {},
                "approval": content,
                "return": reason,
                "withdrawal": reason,
                "file": {},
                "closure": {},
                "reissues": {"json": {"provider": "POST-QNA"}},
            }.items()
        },
        "GET /v1/persons": Ask(query={"number": "QN-1"}, relations=of_commune),
        "POST /v1/registrations/{registration_id}/approval": Ask(sent, relations=of_commune),
        "POST /v1/registrations/{registration_id}/rejection": Ask(
            sent, options=lambda: dict(reason), relations=of_commune
        ),
        "POST /v1/changes": Ask(options=lambda: {"json": death_of("QN-1")}),
        "POST /v1/changes/{change_id}/approval": Ask({"change_id": change["id"]}),
        "POST /v1/changes/{change_id}/rejection": Ask({"change_id": change["id"]}),
    }
    ids = {**place, **sent, "change_id": change["id"], "statement_id": statement["id"]}
    relations = {name: str(unit) for name, unit in units.items()}
    return World(caller, relations, asks, ids, office)


def commune(code: str) -> object:
    """The id of a commune of the office."""
    assert code in COMMUNES
    return id_of("unit", code)


def death_of(number: str) -> Options:
    """What an officer reports of a death."""
    return {
        "person_number": number,
        "kind": "death",
        "details": {"died_on": "2024-06-02"},
        "evidence": "paper",
    }


def at(caller: Caller, clock: Clock, refusals: Any) -> None:  # noqa: ANN401 - a service's own
    """The service lives at another time than ours."""
    context = caller.context
    published = caller.published_keys()
    caller.app.extensions[EXTENSION] = replace(
        context,
        clock=clock,
        unit_of_work=UnitOfWork(context.unit_of_work.engine, clock, refusals),
        verifier=TokenVerifier(ISSUER, AUDIENCE, lambda: published, clock),
    )
