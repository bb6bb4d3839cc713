"""The contract of the register."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_smorest.fields import Upload
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from services.beneficiaries.register.model import ChangeKind, ChangeState, RegistrationState
from shared.kernel.errors import Rejected
from shared.kernel.periods import Period
from shared.web.schemas import Closed, PageQuery, TextField, page_of
from shared.web.texts import is_plain

DETAIL_CHARS_MAX = 40
DETAILS: dict[ChangeKind, dict[str, type]] = {
    ChangeKind.DEATH: {"died_on": str},
    ChangeKind.MOVE: {"commune_code": str, "from_period": str},
    ChangeKind.RECEIVING: {"provider": str, "bank_code": str, "account_number": str},
    ChangeKind.REASSESSMENT: {"code": str, "injury_percent": int, "from_period": str},
}


class UploadSchema(Closed):
    """A CSV file."""

    file = Upload(required=True)


class DryRunQuery(Closed):
    """Whether to store nothing and only tell the faults."""

    dry_run = fields.Boolean(load_default=False)


class JobStartedSchema(Schema):
    """Long work was begun; ask /v1/jobs/{job_id} how far it is."""

    job_id = fields.UUID(required=True)


class ImportStartedSchema(JobStartedSchema):
    """A register file is being read; a dry run makes no registration."""

    registration_id = fields.UUID(required=True, allow_none=True)


class RegistrationsQuery(PageQuery):
    """Which registrations: all, or those in a state."""

    state = fields.String(
        load_default=None, validate=validate.OneOf([state.value for state in RegistrationState])
    )


class RegistrationSchema(Schema):
    """One register file: how many rows, who sent it, who decided. Its jobs tell what was wrong with which."""

    id = fields.UUID(required=True)
    document_sha256 = fields.String(required=True)
    state = fields.String(required=True)
    row_count = fields.Integer(required=True)
    accepted_count = fields.Integer(required=True)
    refused_count = fields.Integer(required=True)
    entitlement_count = fields.Integer(required=True)
    entered_count = fields.Integer(allow_none=True)
    prepared_by = fields.String(required=True)
    prepared_on = fields.Date(required=True)
    decided_by = fields.String(allow_none=True)
    decided_on = fields.Date(allow_none=True)
    reading_job_id = fields.UUID(required=True)
    entering_job_id = fields.UUID(allow_none=True)
    version = fields.Integer(required=True)


RegistrationPageSchema = page_of(RegistrationSchema, "RegistrationPage")


class RejectionSchema(Closed):
    """Why."""

    reason = TextField(required=True)


class ChangeRequestSchema(Closed):
    """What is reported: the kind, its details, the document that proves it."""

    person_number = TextField(40, required=True)
    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in ChangeKind]))
    details = fields.Dict(keys=fields.String(), required=True)
    evidence = TextField(200, required=True)

    @validates_schema
    def check_details(self, data: dict[str, Any], **_: Any) -> None:  # noqa: ANN401 - marshmallow's signature
        """The details are those that the kind needs, and no others."""
        expected = DETAILS[ChangeKind(data["kind"])]
        details = data["details"]
        if details.keys() != expected.keys():
            raise ValidationError({"details": [f"{data['kind']} needs {', '.join(expected)}."]})
        wrong = [name for name, kind in expected.items() if type(details[name]) is not kind]
        if wrong:
            raise ValidationError({"details": {name: ["Not of the right type."] for name in wrong}})
        shown = [str(value) for value in details.values()]
        if not all(is_plain(text) and len(text) <= DETAIL_CHARS_MAX for text in shown):
            raise ValidationError({"details": [f"A detail has at most {DETAIL_CHARS_MAX} plain characters."]})
        _check_times(details)


class ChangeSchema(Schema):
    """A request for change."""

    id = fields.UUID(required=True)
    person_id = fields.UUID(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    requested_on = fields.Date(required=True)
    version = fields.Integer(required=True)


class ChangesQuery(PageQuery):
    """Which reported changes: all, or those in a state."""

    state = fields.String(load_default=None, validate=validate.OneOf([state.value for state in ChangeState]))


class ReportedChangeSchema(ChangeSchema):
    """A request for change as those see it who decide on it; how a person is paid is not shown."""

    person_number = fields.String(required=True)
    commune_id = fields.UUID(required=True)
    details = fields.Dict(required=True)
    evidence = fields.String(required=True)
    requested_by = fields.String(required=True)
    decided_by = fields.String(allow_none=True)
    decided_on = fields.Date(allow_none=True)


ChangePageSchema = page_of(ReportedChangeSchema, "ChangePage")


class PersonQuery(Closed):
    """Find one person."""

    number = TextField(40, required=True)


class PersonSchema(Schema):
    """One person, for those who work with the register."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    full_name = fields.String(required=True)
    birth_year = fields.Integer(required=True)
    provider = fields.String(required=True)
    commune_id = fields.UUID(required=True)


class NamedPersonSchema(Schema):
    """Whom a row is about, for those who work with the register."""

    number = fields.String(required=True)
    full_name = fields.String(required=True)
    birth_year = fields.Integer(required=True)
    commune_id = fields.UUID(required=True)


def _check_times(details: dict[str, Any]) -> None:
    try:
        if "died_on" in details:
            date.fromisoformat(details["died_on"])
        if "from_period" in details:
            Period.parse(details["from_period"])
    except (ValueError, Rejected) as error:
        raise ValidationError({"details": [f"{error}"]}) from error
