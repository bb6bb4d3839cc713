"""Paying again what came back: a new list of new payments, which goes the same way as any other list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.beneficiaries.lists import store as lists
from services.beneficiaries.lists.model import PaymentList, payment_id_of
from services.beneficiaries.providers.model import PROVIDERS, Channel, Provider
from services.beneficiaries.reconciliation.model import Standing
from services.beneficiaries.reissues import store
from services.beneficiaries.reissues.commands import ReissuePayments
from services.beneficiaries.reissues.events import PaymentsReissued
from services.beneficiaries.reissues.model import OBSTACLES, Candidate, obstacle
from shared.db.unit_of_work import Work
from shared.kernel.errors import Conflict, Fault, Rejected
from shared.kernel.periods import Period

ITEMS_PER_EVENT = 500


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A payment that came back and is not paid again, and why."""

    payment_id: UUID
    code: str

    @property
    def message(self) -> str:
        """The reason in words."""
        return OBSTACLES[self.code]


@dataclass(frozen=True, slots=True)
class Reissued:
    """The new list, and what of the old one is not in it."""

    list_id: UUID
    left_out: Sequence[LeftOut]


def reissue(work: Work, command: ReissuePayments) -> Reissued:
    """A new list of the same unit, in the month of the act, through the chosen provider.

    Named payments are taken all or none. Without names everything that came back is taken, and what cannot be
    paid again is told. The money that the provider still holds is used first, by allocation.
    Raises: NotFound list_unknown; Rejected provider_unknown, reissue_refused, reissue_empty.
    """
    provider = PROVIDERS.get(command.provider)
    if provider is None:
        known = ", ".join(PROVIDERS)
        raise Rejected("provider_unknown", f"Providers are {known}.", providers=known)
    source = lists.load(work.connection, command.list_id)  # locked: two reissues of a list take turns
    found = store.candidates(work.connection, source.id, work.act.business_date)
    if command.payment_ids is None:
        wanted, left_out = _all_returned(found, provider.channel)
    else:
        wanted, left_out = _all_named(found, command.payment_ids, provider.channel), []
    list_id = _new_list(work, source, wanted, provider)
    return Reissued(list_id, left_out)


def refuse_second_reissue() -> Conflict:
    """The refusal that belongs to a payment reissued twice."""
    return Conflict("payment_reissued", OBSTACLES["payment_reissued"])


def _all_returned(found: Mapping[UUID, Candidate], channel: Channel) -> tuple[list[Candidate], list[LeftOut]]:
    wanted: list[Candidate] = []
    left_out: list[LeftOut] = []
    for one in found.values():
        code = obstacle(one, channel)
        if code is None:
            wanted.append(one)
        elif one.standing is Standing.RETURNED:
            left_out.append(LeftOut(one.payment_id, code))
    if not wanted:
        faults = [Fault(one.code, f"{one.payment_id}: {one.message}") for one in left_out]
        raise Rejected("reissue_empty", "Nothing of this list came back that can be paid again.", faults)
    return wanted, left_out


def _all_named(
    found: Mapping[UUID, Candidate], payment_ids: Sequence[UUID], channel: Channel
) -> list[Candidate]:
    faults: list[Fault] = []
    seen: set[UUID] = set()
    for place, payment_id in enumerate(payment_ids):
        one = found.get(payment_id)
        code = "payment_foreign" if one is None else obstacle(one, channel)
        if payment_id in seen:
            code = "payment_repeated"
        if code is not None:
            faults.append(Fault(code, OBSTACLES[code], f"/payment_ids/{place}"))
        seen.add(payment_id)
    if faults:
        raise Rejected(
            "reissue_refused",
            f"{len(faults)} payments cannot be paid again; nothing was reissued.",
            faults,
            count=len(faults),
        )
    return [found[payment_id] for payment_id in payment_ids]


def _new_list(work: Work, source: PaymentList, wanted: Sequence[Candidate], provider: Provider) -> UUID:
    period = Period.of(work.act.business_date)
    list_id = lists.open_reissue(work.connection, source, period, provider.code, provider.channel.value)
    rows = [
        (payment_id_of(list_id, one.person_id), one.person_id, one.payment_id, one.amount_vnd)
        for one in wanted
    ]
    lists.add_reissues(work.connection, list_id, rows)
    lists.change_content(work.connection, source.id)  # nobody may sign on its paper for what is paid again
    items = [
        {
            "payment_id": str(payment_id),
            "reissue_of": str(reissue_of),
            "person_id": str(person_id),
            "amount_vnd": amount_vnd,
        }
        for payment_id, person_id, reissue_of, amount_vnd in rows
    ]
    work.record_many(
        [
            PaymentsReissued(
                str(source.id),
                str(list_id),
                str(source.unit_id),
                provider.code,
                start // ITEMS_PER_EVENT,
                tuple(items[start : start + ITEMS_PER_EVENT]),
            )
            for start in range(0, len(items), ITEMS_PER_EVENT)
        ]
    )
    return list_id
