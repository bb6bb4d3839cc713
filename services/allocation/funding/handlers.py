"""The ledger's side of a payment list: hold, draw, post what providers answered, close when sums agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from services.allocation.decisions.queries import decisions_of
from services.allocation.funding import model, store
from services.allocation.funding.events import (
    FundsDrawn,
    FundsHeld,
    FundsPosted,
    FundsRefused,
    FundsVoided,
    ListCloseRefused,
    ListFundsClosed,
    WithdrawalRequested,
    WithdrawalTooLate,
)
from services.allocation.funding.model import Answer, ListMoney, Origin
from services.allocation.funding_rules.handlers import all_rules
from services.allocation.funding_rules.model import FundingRule, rule_for
from services.allocation.ledger import handlers as ledger
from services.allocation.ledger import store as ledger_store
from services.allocation.ledger.model import Kind, Outcome, Role, Transfer, Verdict
from shared.db.unit_of_work import Work
from shared.journal.envelope import Envelope
from shared.kernel.errors import Rejected
from shared.kernel.ids import id_of
from shared.kernel.money import Money
from shared.kernel.periods import Period


def hold_funds(work: Work, item: Envelope) -> None:
    """An approved list is held whole, or refused with what is missing; then the Treasury is asked."""
    facts = item.payload()
    if len(facts["lines"]) != 1:
        raise Rejected("list_lines", "A list has one line for each funding rule; this one cannot be read.")
    money = _money(work, facts, facts["lines"][0])
    answered = _hold(work, money)
    store.add_funds(work.connection, money, "held" if answered.held else "refused")
    if not answered.held:
        work.record(_refused(money, answered))
        return
    work.record(_held(work, money, answered))
    _request_withdrawal(work, money, answered.amount_from(Origin.ALLOTMENT))


def post_settled(work: Work, item: Envelope) -> None:
    """What was paid out moves from the provider to spent."""
    _post(work, item.payload(), "settled", Role.SPENT)


def post_returned(work: Work, item: Envelope) -> None:
    """What found no payee moves to the provider's returned money, ready for the next hold."""
    _post(work, item.payload(), "returned", Role.RETURNED)


def close_list(work: Work, item: Envelope) -> None:
    """The list is closed when its sums are those that were posted here, and refused otherwise."""
    facts = item.payload()
    funds = store.funds_of(work.connection, UUID(facts["list_id"]))
    own = store.posted(work.connection, funds.list_id)
    told = {kind: sum(line[f"{kind}_vnd"] for line in facts["lines"]) for kind in ("settled", "returned")}
    settled, returned = own.get("settled", 0), own.get("returned", 0)
    if told != {"settled": settled, "returned": returned}:
        reason = f"the ledger posted {settled} settled and {returned} returned, the list says {told}"
        work.record(ListCloseRefused(str(funds.list_id), str(funds.unit_id), reason))
        return
    store.set_state(work.connection, funds, "closed")
    unknown = funds.total_vnd - settled - returned
    work.record(ListFundsClosed(str(funds.list_id), str(funds.unit_id), settled, returned, unknown))


def withdraw_list(work: Work, item: Envelope) -> None:
    """A list is given back while the Treasury has not confirmed; afterwards it is too late."""
    facts = item.payload()
    funds = store.funds_of(work.connection, UUID(facts["list_id"]), facts["submission"])
    asked = store.withdrawal_of(work.connection, funds.list_id, funds.submission)
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
    unit, year, provider = UUID(facts["unit_id"]), facts["fiscal_year"], facts["provider"]
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
        fiscal_year=year,
        unit_id=unit,
        provider=provider,
        line=line["line"],
        amount_vnd=line["amount_vnd"],
        allotment=keys[Role.ALLOTMENT].id,
        returned=keys[Role.RETURNED].id,
        provider_account=keys[Role.PROVIDER].id,
    )


def _hold(work: Work, money: ListMoney) -> Answer:
    available = ledger_store.lock(work.connection, [money.allotment, money.returned, money.provider_account])
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


def _post(work: Work, facts: dict[str, Any], kind: str, to: Role) -> None:
    funds = store.funds_of(work.connection, UUID(facts["list_id"]))
    rule = _rule_of(work, facts["lines"][0]["line"])
    provider = rule.account(funds.fiscal_year, funds.unit_id, Role.PROVIDER, funds.provider)
    party = funds.provider if to is Role.RETURNED else None
    target = rule.account(funds.fiscal_year, funds.unit_id, to, party)
    ledger_store.open_accounts(work.connection, [provider, target])
    day = work.act.business_date
    batch = [
        Transfer(
            id=id_of("list-post", funds.list_id, facts["statement_id"], facts["chunk"], line["line"], kind),
            debit_account=provider.id,
            credit_account=target.id,
            amount=Money(line["amount_vnd"]),
            kind=Kind.DIRECT,
            effective_on=day,
            period=Period.of(day),
        )
        for line in facts["lines"]
    ]
    outcomes = ledger.transfer(work, batch)
    _ensure_accepted(outcomes)
    if all(one.exists for one in outcomes):  # told again under another event: it is posted already
        return
    store.add_posts(
        work.connection,
        [
            {
                "transfer_id": one.id,
                "list_id": funds.list_id,
                "statement_id": UUID(facts["statement_id"]),
                "chunk": facts["chunk"],
                "line": line["line"],
                "kind": kind,
                "amount_vnd": line["amount_vnd"],
            }
            for one, line in zip(batch, facts["lines"], strict=True)
        ],
    )
    amount = sum(line["amount_vnd"] for line in facts["lines"])
    work.record(
        FundsPosted(
            str(funds.list_id), str(funds.unit_id), facts["statement_id"], facts["chunk"], kind, amount
        )
    )


def _move_holds(work: Work, funds: Row[Any], kind: Kind) -> None:
    day = work.act.business_date
    batch = [
        Transfer(
            id=id_of("list-hold", kind, hold.hold_id),
            debit_account=hold.debit_account,
            credit_account=hold.credit_account,
            amount=Money(hold.amount_vnd),
            kind=kind,
            effective_on=day,
            period=Period.parse(funds.period),
            hold=hold.hold_id,
            decision_line=hold.decision_line,
            group=id_of("list-holds", kind, funds.list_id, funds.submission),
        )
        for hold in store.holds_of(work.connection, funds.list_id, funds.submission)
    ]
    _ensure_accepted(ledger.transfer(work, batch))


def _ensure_accepted(outcomes: Sequence[Outcome]) -> None:
    refused = [one.refusal for one in outcomes if one.verdict is not Verdict.ACCEPTED and one.refusal]
    if refused:
        raise Rejected(refused[0].code, f"The ledger refused what must be covered: {refused[0].message}")


def _rule_of(work: Work, purpose: str) -> FundingRule:
    return rule_for(all_rules(work.connection), purpose, work.act.business_date)


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
