"""The ledger's side of a payment list: hold, draw, give back, close when sums agree."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from services.allocation.decisions.queries import decisions_of
from services.allocation.funding import checks, model, store
from services.allocation.funding.events import (
    FundsDrawn,
    FundsHeld,
    FundsRefused,
    FundsVoided,
    ListCloseRefused,
    ListFundsClosed,
    WithdrawalRequested,
    WithdrawalTooLate,
)
from services.allocation.funding.model import Answer, ListMoney, Origin
from services.allocation.funding_rules.handlers import all_rules
from services.allocation.funding_rules.model import rule_for
from services.allocation.ledger import handlers as ledger
from services.allocation.ledger import store as ledger_store
from services.allocation.ledger.model import Kind, Role, Transfer
from services.allocation.year_end.queries import standing_holds
from shared.db.unit_of_work import Work
from shared.journal.envelope import Envelope
from shared.kernel.errors import Conflict
from shared.kernel.ids import id_of
from shared.kernel.money import Money
from shared.kernel.periods import Period


def hold_funds(work: Work, item: Envelope) -> None:
    """An approved list is held whole, or refused with what is missing; then the Treasury is asked.

    Idempotent: a submission that was decided with the same content changes nothing.
    Raises: Rejected list_lines, list_amount, list_held_already, submission_outdated;
    Conflict submission_differs.
    """
    facts = item.payload()
    line = checks.only_line(facts)
    known = store.submissions_of(work.connection, UUID(facts["list_id"]))
    if checks.told_before(facts, line, known):
        return
    money = _money(work, facts, line)
    answered = _hold(work, money)
    store.add_funds(work.connection, money, "held" if answered.held else "refused")
    if not answered.held:
        work.record(_refused(money, answered))
        return
    work.record(_held(work, money, answered))
    _request_withdrawal(work, money, answered.amount_from(Origin.ALLOTMENT))


def close_list(work: Work, item: Envelope) -> None:
    """The list is closed when its sums are those that were posted here, and refused otherwise.

    Idempotent: a list that was closed with these sums stays closed.
    Raises: NotFound funds_unknown; Rejected list_not_drawn; Conflict list_closed.
    """
    facts = item.payload()
    funds = store.funds_of(work.connection, UUID(facts["list_id"]))
    checks.ensure_drawn(funds, "its closing")
    own = store.posted(work.connection, funds.list_id)
    told = {kind: sum(line[f"{kind}_vnd"] for line in facts["lines"]) for kind in ("settled", "returned")}
    settled, returned = own["settled"], own["returned"]
    agreed = told == own
    reason = f"the ledger posted {settled} settled and {returned} returned, the list says {told}"
    if funds.state == "closed":
        if not agreed:
            raise Conflict("list_closed", f"List {funds.list_id} is closed already, and {reason}.")
    elif agreed:
        store.set_state(work.connection, funds, "closed")
        unknown = funds.total_vnd - settled - returned
        work.record(ListFundsClosed(str(funds.list_id), str(funds.unit_id), settled, returned, unknown))
    else:
        work.record(ListCloseRefused(str(funds.list_id), str(funds.unit_id), reason))


def withdraw_list(work: Work, item: Envelope) -> None:
    """A list is given back while the Treasury has not confirmed; afterwards it is too late.

    Idempotent: a list that was given back stays so. Raises: NotFound funds_unknown.
    """
    facts = item.payload()
    funds = store.funds_of(work.connection, UUID(facts["list_id"]), facts["submission"])
    asked = store.withdrawal_of(work.connection, funds.list_id, funds.submission)
    if asked is not None and asked.state == "cancelled":
        return
    if funds.state != "held" or asked is None or asked.state != "requested":
        work.record(WithdrawalTooLate(str(funds.list_id), funds.submission, str(funds.unit_id)))
        return
    store.answer_withdrawal(work.connection, asked, "cancelled", reason="list withdrawn")
    void_holds(work, funds)


def draw_funds(work: Work, funds: Row[Any]) -> None:
    """Every hold of the list is posted: its money is in the provider's hands."""
    _move_holds(work, funds, Kind.POST)
    store.set_state(work.connection, funds, "drawn")
    work.record(
        FundsDrawn(str(funds.list_id), funds.submission, str(funds.unit_id), funds.provider, funds.total_vnd)
    )


def void_holds(work: Work, funds: Row[Any]) -> None:
    """Every hold of the list is released."""
    _move_holds(work, funds, Kind.VOID)
    store.set_state(work.connection, funds, "voided")
    work.record(FundsVoided(str(funds.list_id), funds.submission, str(funds.unit_id)))


def _money(work: Work, facts: dict[str, Any], line: dict[str, Any]) -> ListMoney:
    rule = rule_for(all_rules(work.connection), line["purpose"], work.act.business_date)
    unit, provider = UUID(facts["unit_id"]), facts["provider"]
    year = ledger_store.standing_year(work.connection, facts["fiscal_year"])
    keys = {
        Role.ALLOTMENT: rule.account(year, unit, Role.ALLOTMENT),
        Role.RETURNED: rule.account(year, unit, Role.RETURNED, provider),
        Role.PROVIDER: rule.account(year, unit, Role.PROVIDER, provider),
    }
    ledger_store.open_accounts(work.connection, keys.values())
    return ListMoney(
        list_id=UUID(facts["list_id"]),
        submission=facts["submission"],
        period=Period.parse(facts["period"]),
        fiscal_year=facts["fiscal_year"],
        unit_id=unit,
        provider=provider,
        line=line["line"],
        amount_vnd=line["amount_vnd"],
        allotment=keys[Role.ALLOTMENT].id,
        returned=keys[Role.RETURNED].id,
        provider_account=keys[Role.PROVIDER].id,
    )


def _hold(work: Work, money: ListMoney) -> Answer:
    accounts = [money.allotment, money.returned, money.provider_account]
    available = ledger_store.lock(work.connection, accounts).available
    lines = ledger_store.line_balances(work.connection, money.allotment)
    parts = model.divide(money.amount_vnd, available[money.returned] or 0, lines)
    batch = model.holds(money, parts, work.act.business_date)
    answered = model.answer(parts, ledger.transfer(work, batch))
    if answered.held:
        store.add_holds(work.connection, money, parts, batch)
    return answered


def _request_withdrawal(work: Work, money: ListMoney, amount_vnd: int) -> None:
    if amount_vnd == 0:  # the provider still holds enough: nothing is asked of the Treasury
        draw_funds(work, store.funds_of(work.connection, money.list_id, money.submission))
        return
    withdrawal_id = id_of("withdrawal", money.list_id, money.submission)
    store.add_withdrawal(
        work.connection,
        id=withdrawal_id,
        list_id=money.list_id,
        submission=money.submission,
        unit_id=money.unit_id,
        provider=money.provider,
        amount_vnd=amount_vnd,
        requested_on=work.act.business_date,
    )
    work.record(
        WithdrawalRequested(
            str(withdrawal_id),
            str(money.list_id),
            money.submission,
            str(money.unit_id),
            money.provider,
            amount_vnd,
        )
    )


def _move_holds(work: Work, funds: Row[Any], kind: Kind) -> None:
    ledger_store.standing_year(work.connection, funds.fiscal_year)
    holds = store.holds_of(work.connection, funds.list_id, funds.submission)
    standing = standing_holds(work.connection, [hold.hold_id for hold in holds])
    group = id_of("list-holds", kind, funds.list_id, funds.submission)
    batch = [
        Transfer(
            id=id_of("list-hold", kind, hold.hold_id),
            debit_account=standing[hold.hold_id].debit_account,
            credit_account=standing[hold.hold_id].credit_account,
            amount=Money(hold.amount_vnd),
            kind=kind,
            effective_on=work.act.business_date,
            period=Period.parse(funds.period),
            hold=standing[hold.hold_id].id,
            decision_line=hold.decision_line,
            group=group,
        )
        for hold in holds
    ]
    checks.ensure_accepted(ledger.transfer(work, batch))


def _held(work: Work, money: ListMoney, answered: Answer) -> FundsHeld:
    lines = [part.decision_line for part in answered.parts if part.decision_line is not None]
    decision_of = decisions_of(work.connection, lines)
    line = {
        "line": money.line,
        "amount_vnd": money.amount_vnd,
        "from_returned_vnd": answered.amount_from(Origin.RETURNED),
        "from_allotment_vnd": answered.amount_from(Origin.ALLOTMENT),
        "decision_lines": [
            {
                "line_id": str(part.decision_line),
                "decision_id": str(decision_of[part.decision_line]),
                "amount_vnd": part.amount_vnd,
            }
            for part in answered.parts
            if part.decision_line is not None
        ],
    }
    return FundsHeld(str(money.list_id), money.submission, str(money.unit_id), (line,))


def _refused(money: ListMoney, answered: Answer) -> FundsRefused:
    line = {
        "line": money.line,
        "needed_vnd": money.amount_vnd,
        "available_vnd": money.amount_vnd - answered.shortfall_vnd,
        "shortfall_vnd": answered.shortfall_vnd,
    }
    return FundsRefused(str(money.list_id), money.submission, str(money.unit_id), (line,))
