"""Facts about decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypedDict

SUBJECTS = ("decision_id", "unit_id")


class IssuedItem(TypedDict):
    """One line: how much for which unit, by which article."""

    line_id: str
    unit_id: str | None
    label: str
    text: str
    article_id: str
    instrument_id: str
    purpose: str
    component: str
    source: str
    capital_kind: str
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class DecisionDrafted:
    """A decision was written, by hand, from an annex or by a formula."""

    TYPE: ClassVar[str] = "vn.fundtrail.decisions.drafted.v1"
    KEY: ClassVar[str] = "decision_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS

    decision_id: str
    unit_id: str
    kind: str
    title: str
    fiscal_year: int
    component: str
    source: str
    capital_kind: str
    total_vnd: int
    line_count: int
    demonstration: bool
    document: str | None
    arithmetic: str | None


class RevisedContent(TypedDict):
    """What a decision said: its header, and its lines by their number, total and digest.

    The digest is that of the lines in their order as canonical JSON, each an object of label, text, unit_id,
    article_id, amount_vnd, quantity and note.
    """

    kind: str
    title: str
    fiscal_year: int
    component: str
    source: str
    capital_kind: str
    unit_id: str
    demonstration: bool
    document: str | None
    arithmetic_sha256: str | None
    total_vnd: int
    line_count: int
    lines_sha256: str


class ReplacedItem(TypedDict):
    """A line as it stood until then."""

    label: str
    text: str
    unit_id: str | None
    article_id: str
    amount_vnd: int
    quantity: int | None
    note: str


@dataclass(frozen=True, slots=True)
class DecisionRevised:
    """A draft, or what was sent back, says something else from now on; nobody has approved that.

    The items of all its events together are the lines as they stood until then, in their order.
    """

    TYPE: ClassVar[str] = "vn.fundtrail.decisions.revised.v1"
    KEY: ClassVar[str] = "decision_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS
    TOPIC: ClassVar[str] = "trail"

    decision_id: str
    unit_id: str
    title: str
    version: int
    before: Annotated[dict[str, Any], RevisedContent]
    after: Annotated[dict[str, Any], RevisedContent]
    items: tuple[Annotated[dict[str, Any], ReplacedItem], ...]


@dataclass(frozen=True, slots=True)
class DecisionWithdrawn:
    """A decision that was not issued is given up, with a reason; it stays to be read, and moves no money.

    `was` is the state it was in: draft, submitted, approved or sent_back.
    """

    TYPE: ClassVar[str] = "vn.fundtrail.decisions.withdrawn.v1"
    KEY: ClassVar[str] = "decision_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS

    decision_id: str
    unit_id: str
    title: str
    total_vnd: int
    was: str


@dataclass(frozen=True, slots=True)
class DecisionSubmitted:
    """The person who prepared a decision asks for approval."""

    TYPE: ClassVar[str] = "vn.fundtrail.decisions.submitted.v1"
    KEY: ClassVar[str] = "decision_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS

    decision_id: str
    unit_id: str
    title: str
    total_vnd: int


@dataclass(frozen=True, slots=True)
class DecisionApproved:
    """Another person approved a decision."""

    TYPE: ClassVar[str] = "vn.fundtrail.decisions.approved.v1"
    KEY: ClassVar[str] = "decision_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS

    decision_id: str
    unit_id: str
    title: str
    total_vnd: int


@dataclass(frozen=True, slots=True)
class DecisionSentBack:
    """Another person returned a decision, with a reason."""

    TYPE: ClassVar[str] = "vn.fundtrail.decisions.sent_back.v1"
    KEY: ClassVar[str] = "decision_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS

    decision_id: str
    unit_id: str
    title: str


@dataclass(frozen=True, slots=True)
class DecisionIssued:
    """A decision is in force: its money stands where its lines say. Each event holds up to 200 lines."""

    TYPE: ClassVar[str] = "vn.fundtrail.decisions.issued.v1"
    KEY: ClassVar[str] = "decision_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS

    decision_id: str
    unit_id: str
    kind: str
    title: str
    number: str
    issued_on: str
    fiscal_year: int
    total_vnd: int
    demonstration: bool
    items: tuple[Annotated[dict[str, Any], IssuedItem], ...]
