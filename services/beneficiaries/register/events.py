"""Facts about persons. Personal values stand in them sealed under the person's own key, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypedDict


class EntitlementItem(TypedDict):
    """One benefit of a person and the month from which it is due."""

    entitlement_id: str
    code: str
    sealed_percent: str | None
    from_period: str


class RegisteredItem(TypedDict):
    """One person; what is personal is sealed under the person's own key."""

    person_id: str
    unit_id: str
    provider: str
    sealed_number: str | None
    sealed_name: str | None
    sealed_identity: str | None
    sealed_account: str | None
    entitlements: list[EntitlementItem]


@dataclass(frozen=True, slots=True)
class PersonsRegistered:
    """Persons entered the register, with what they are entitled to and from when."""

    TYPE: ClassVar[str] = "vn.fundtrail.persons.registered.v1"
    KEY: ClassVar[str] = "batch_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    batch_id: str
    items: tuple[Annotated[dict[str, Any], RegisteredItem], ...]


@dataclass(frozen=True, slots=True)
class ChangeRequested:
    """An officer reported, with evidence, that something about a person is different from what is known."""

    TYPE: ClassVar[str] = "vn.fundtrail.changes.requested.v1"
    KEY: ClassVar[str] = "person_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("person_id", "change_id", "unit_id")

    change_id: str
    person_id: str
    unit_id: str
    kind: str
    evidence_sha256: str


@dataclass(frozen=True, slots=True)
class ChangeRejected:
    """Another person did not confirm the change; nothing about the person is different."""

    TYPE: ClassVar[str] = "vn.fundtrail.changes.rejected.v1"
    KEY: ClassVar[str] = "person_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("person_id", "change_id", "unit_id")

    change_id: str
    person_id: str
    unit_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class ChangeApproved:
    """Another person confirmed the change; it is known from now on."""

    TYPE: ClassVar[str] = "vn.fundtrail.changes.approved.v1"
    KEY: ClassVar[str] = "person_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("person_id", "change_id", "unit_id")

    change_id: str
    person_id: str
    unit_id: str
    kind: str
    sealed_before: str
    sealed_after: str


@dataclass(frozen=True, slots=True)
class RegistrationPrepared:
    """A register file was read to its end; its sound rows wait for the approval of another person."""

    TYPE: ClassVar[str] = "vn.fundtrail.registrations.prepared.v1"
    KEY: ClassVar[str] = "registration_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("registration_id",)

    registration_id: str
    document_sha256: str
    accepted_count: int
    refused_count: int
    entitlement_count: int


@dataclass(frozen=True, slots=True)
class RegistrationApproved:
    """Another person approved the sound rows of a register file, all in one act; they are being entered."""

    TYPE: ClassVar[str] = "vn.fundtrail.registrations.approved.v1"
    KEY: ClassVar[str] = "registration_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("registration_id",)

    registration_id: str
    document_sha256: str
    accepted_count: int
    entitlement_count: int


@dataclass(frozen=True, slots=True)
class RegistrationRejected:
    """Another person rejected a register file; nobody in it was registered by it."""

    TYPE: ClassVar[str] = "vn.fundtrail.registrations.rejected.v1"
    KEY: ClassVar[str] = "registration_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("registration_id",)

    registration_id: str
    document_sha256: str


@dataclass(frozen=True, slots=True)
class RegistrationEntered:
    """The rows of an approved register file are in the register; who was there before was left as it is."""

    TYPE: ClassVar[str] = "vn.fundtrail.registrations.entered.v1"
    KEY: ClassVar[str] = "registration_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("registration_id",)

    registration_id: str
    entered_count: int
    refused_count: int
