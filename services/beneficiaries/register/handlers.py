"""Taking persons into the register and recording what changes about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.beneficiaries.register import effects, model, staging, store
from services.beneficiaries.register.commands import (
    ApproveRegistration,
    DecideChange,
    RejectRegistration,
    RequestChange,
)
from services.beneficiaries.register.events import (
    ChangeApproved,
    ChangeRejected,
    ChangeRequested,
    PersonsRegistered,
    RegistrationApproved,
    RegistrationEntered,
    RegistrationPrepared,
    RegistrationRejected,
)
from services.beneficiaries.register.model import (
    ENTER,
    READ,
    Change,
    ChangeKind,
    ChangeState,
    Registration,
    RegistrationState,
    job_of,
)
from services.beneficiaries.register.rows import NewPerson
from services.beneficiaries.register.staging import Entered, Staged
from shared.db.unit_of_work import Work
from shared.jobs.runner import enqueue
from shared.journal.recording import ITEMS_FIELD, Draft
from shared.kernel import canonical, merkle
from shared.kernel.errors import NotFound
from shared.kernel.ids import id_of, new_id
from shared.kernel.sealing import Sealer, WrappedKey

ITEMS_PER_EVENT = 200  # sealed names and numbers make an item about a kilobyte long
ITEM_BYTES_PER_EVENT = 200 * 1024  # of the 256 KiB that a journal row may have


@dataclass(frozen=True, slots=True)
class Registrar:
    """Seals the persons of a register file, so that the trail will hold names that nobody else can read."""

    sealer: Sealer

    def stage(self, work: Work, registration_id: UUID, people: Mapping[int, NewPerson], refused: int) -> None:
        """The persons, by their rows, wait with everything that entering them will need.

        Raises: Conflict registration_state where the file was rejected meanwhile.
        """
        found = staging.registration(work.connection, registration_id)
        model.ensure_registration_may_become(found, RegistrationState.PREPARED)
        staged = [self._staged(row, one) for row, one in people.items()]
        staging.stage(work.connection, registration_id, staged)
        staging.count(work.connection, registration_id, staged, refused)

    def _staged(self, row: int, one: NewPerson) -> Staged:
        person_id, key = store.person_id_of(one.number), self.sealer.new_key()
        return Staged(row, person_id, key, canonical.encode(self._item(person_id, key, one)), one)

    def _item(self, person_id: UUID, key: WrappedKey, one: NewPerson) -> dict[str, Any]:
        def sealed(field: str, value: str | None) -> str | None:
            return self.sealer.seal(key, value, f"persons/{person_id}/{field}") if value else None

        return {
            "person_id": str(person_id),
            "unit_id": str(one.commune_id),
            "provider": one.provider,
            "sealed_number": sealed("number", one.number),
            "sealed_name": sealed("full_name", one.full_name),
            "sealed_identity": sealed("identity_number", one.identity_number),
            "sealed_account": sealed("account_number", one.account_number),
            "entitlements": [
                {
                    "entitlement_id": str(store.entitlement_id_of(person_id, benefit.code)),
                    "code": benefit.code,
                    "sealed_percent": sealed(f"percent/{benefit.code}", _text(benefit.injury_percent)),
                    "from_period": str(benefit.from_period),
                }
                for benefit in one.benefits
            ],
        }


def request_change(work: Work, sealer: Sealer, command: RequestChange) -> Change:
    """The stored request; nothing about the person changes before another person approves it.

    Raises: NotFound person_unknown; Rejected or Conflict where the change cannot be, as known today.
    """
    person = store.person(work.connection, command.person_number)
    if person is None:
        raise NotFound("person_unknown", f"No person is registered under {command.person_number}.")
    change = Change(
        id=command.change_id,
        person_id=person.id,
        kind=ChangeKind(command.kind),
        details=command.details,
        evidence=command.evidence,
        state=ChangeState.REQUESTED,
        requested_by=work.act.actor,
        requested_on=work.act.business_date,
        version=1,
    )
    effects.ensure_possible(work, change)
    store.add_change(work.connection, effects.sealed(work, sealer, change))
    work.record(
        ChangeRequested(
            change_id=str(change.id),
            person_id=str(person.id),
            unit_id=str(person.commune_id),
            kind=change.kind.value,
            evidence_sha256=canonical.digest(change.evidence.encode()),
        )
    )
    return change


def decide_change(work: Work, sealer: Sealer, command: DecideChange) -> Change:
    """The request after the decision; when approved, the fact is known from the act's business date on.

    Raises: NotFound change_unknown; Conflict change_decided; Denied maker_is_checker; and as request_change
    does, where the change cannot be any more.
    """
    change = store.change(work.connection, command.change_id)
    if change is None:
        raise NotFound("change_unknown", f"There is no request for change {command.change_id}.")
    state = ChangeState.APPROVED if command.approve else ChangeState.REJECTED
    model.decide(change, state, work.act.actor)
    store.decide_change(work.connection, change, state, work.act.actor, work.act.business_date)
    facts = store.facts_of(work.connection, [change.person_id])[0]
    unit_id = str(facts.residences[-1].district_id)
    if command.approve:
        _apply(work, sealer, change, unit_id)
    else:
        work.record(ChangeRejected(str(change.id), str(change.person_id), unit_id, change.kind.value))
    return replace(change, state=state, version=change.version + 1)


def begin_registration(work: Work, document: str) -> UUID:
    """The id of a registration whose file a job is about to read; another person decides it."""
    found = Registration(
        id=new_id(),
        document_sha256=document,
        state=RegistrationState.READING,
        accepted_count=0,
        refused_count=0,
        entitlement_count=0,
        prepared_by=work.act.actor,
        version=1,
    )
    staging.add_registration(work.connection, found, work.act.business_date)
    params = {"document": document, "dry_run": False, "registration_id": str(found.id)}
    enqueue(work, READ, params, job_of(READ, found.id))
    return found.id


def end_reading(work: Work, registration_id: UUID) -> None:
    """The file was read to its end and waits for approval."""
    found = staging.registration(work.connection, registration_id)
    model.ensure_registration_may_become(found, RegistrationState.PREPARED)
    staging.save(work.connection, found, RegistrationState.PREPARED)
    work.record(
        RegistrationPrepared(
            registration_id=str(found.id),
            document_sha256=found.document_sha256,
            accepted_count=found.accepted_count,
            refused_count=found.refused_count,
            entitlement_count=found.entitlement_count,
        )
    )


def approve_registration(work: Work, command: ApproveRegistration) -> UUID:
    """The job that enters the file's sound rows, which are known from the act's business date on.

    Raises: NotFound registration_unknown; Conflict registration_state; Denied maker_is_checker; Rejected
    registration_empty.
    """
    found = _decided(work, command.registration_id, RegistrationState.APPROVED)
    work.record(
        RegistrationApproved(
            registration_id=str(found.id),
            document_sha256=found.document_sha256,
            accepted_count=found.accepted_count,
            entitlement_count=found.entitlement_count,
        )
    )
    return enqueue(work, ENTER, {"registration_id": str(found.id)}, job_of(ENTER, found.id))


def reject_registration(work: Work, command: RejectRegistration) -> None:
    """Nothing of the file's rows is left. Raises: as approve_registration does."""
    found = _decided(work, command.registration_id, RegistrationState.REJECTED)
    staging.unstage(work.connection, found.id)
    work.because(command.reason).record(RegistrationRejected(str(found.id), found.document_sha256))


def enter_persons(work: Work, registration_id: UUID, after: int, limit: int) -> Entered | None:
    """What became of the next rows of an approved file; None once there are no more."""
    entered = staging.enter(work.connection, registration_id, after, limit, work.act.business_date)
    if entered is not None:
        work.record_drafts(list(map(_registered, _parts(entered.items))))
    return entered


def end_entering(work: Work, registration_id: UUID, entered: int) -> None:
    """Every sound row of the file has entered, or stands in the work-list of its job."""
    found = staging.registration(work.connection, registration_id)
    model.ensure_registration_may_become(found, RegistrationState.ENTERED)
    staging.save(work.connection, found, RegistrationState.ENTERED, entered_count=entered)
    work.record(RegistrationEntered(str(found.id), entered, found.accepted_count - entered))


def _decided(work: Work, registration_id: UUID, state: RegistrationState) -> Registration:
    found = staging.registration(work.connection, registration_id)
    model.decide_registration(found, state, work.act.actor)
    actor, on = work.act.actor, work.act.business_date
    staging.save(work.connection, found, state, decided_by=actor, decided_on=on)
    return found


def _parts(items: Sequence[bytes]) -> Iterator[list[bytes]]:
    """The items in their order, as many at a time as one journal row may carry."""
    part: list[bytes] = []
    size = 0
    for item in items:
        if part and (len(part) == ITEMS_PER_EVENT or size + len(item) > ITEM_BYTES_PER_EVENT):
            yield part
            part, size = [], 0
        part.append(item)
        size += len(item)
    if part:
        yield part


def _registered(items: Sequence[bytes]) -> Draft:
    """`PersonsRegistered` of items as they were staged: nothing in them is read."""
    hashes = merkle.leaf_hashes(items)
    batch_id = str(id_of("persons", hashes[0].hex()))
    plain = canonical.plain(PersonsRegistered(batch_id, ()))
    plain[ITEMS_FIELD] = [canonical.spliced(item) for item in items]
    return Draft(PersonsRegistered.TYPE, batch_id, [], canonical.encode_plain(plain), merkle.root(hashes))


def _apply(work: Work, sealer: Sealer, stored: Change, unit_id: str) -> None:
    change = effects.opened(work, sealer, stored)
    effects.ensure_possible(work, change)
    before = effects.take_effect(work, change)
    key = WrappedKey(store.sealed_key(work.connection, change.person_id))
    place = f"changes/{change.id}"
    work.record(
        ChangeApproved(
            change_id=str(change.id),
            person_id=str(change.person_id),
            unit_id=unit_id,
            kind=change.kind.value,
            sealed_before=sealer.seal(key, canonical.encode(before).decode(), f"{place}/before"),
            sealed_after=sealer.seal(key, canonical.encode(change.details).decode(), f"{place}/after"),
        )
    )


def _text(percent: int | None) -> str | None:
    return None if percent is None else str(percent)
