"""How the parts stand, from what they say of themselves."""

from __future__ import annotations

import pytest

from deploy.local.plan import SERVICES
from services.portal.operations import model
from services.portal.operations.model import Backup

HEAD = {"service": "allocation", "epoch": 2, "position": 120, "sent": 100}
LOG = {
    "sources": [
        {"source": "allocation", "epoch": 1, "position": 500},
        {"source": "allocation", "epoch": 2, "position": 90},
    ]
}


def test_what_lags_is_told_by_journal_and_log() -> None:
    aside = {"items": [{}, {}], "next_cursor": "x"}
    part = model.part("allocation", ready=True, head=HEAD, log=LOG, aside=aside)

    assert (part.written, part.unsent, part.unlogged) == (120, 20, 30)
    assert (part.quarantined, part.more_quarantined) == (2, True)


def test_what_does_not_answer_is_not_known() -> None:
    part = model.part("allocation", ready=False, head=None, log=LOG, aside=None)
    assert (part.written, part.unsent, part.unlogged, part.quarantined) == (None, None, None, None)

    without_log = model.part("allocation", ready=True, head=HEAD, log=None, aside=None)
    assert (without_log.unsent, without_log.unlogged) == (20, None)


def test_a_journal_that_the_log_does_not_know_yet_lags_by_all_it_has() -> None:
    part = model.part("portal", ready=True, head=HEAD, log=LOG, aside=None)
    assert part.unlogged == 120


def test_what_was_sent_since_the_head_was_asked_is_no_lag_below_nothing() -> None:
    part = model.part("allocation", ready=True, head=HEAD | {"sent": 130}, log=LOG, aside=None)
    assert part.unsent == 0


@pytest.mark.parametrize(
    ("figures", "backup"),
    [
        ("", Backup(told=False)),
        ("other_age_seconds 5\n", Backup(told=False)),
        ("# HELP x\nfundtrail_backup_age_seconds 7300.5\n", Backup(told=True, hours=2)),
        ("fundtrail_backup_age_seconds 129600.0\n", Backup(told=True, hours=36)),
        ("fundtrail_backup_age_seconds +Inf\n", Backup(told=True)),
    ],
)
def test_the_age_of_the_backup_is_read_from_the_figures(figures: str, backup: Backup) -> None:
    assert model.backup_of(figures) == backup


def test_a_backup_is_too_old_after_a_day_and_a_half_or_where_there_is_none() -> None:
    assert not Backup(told=False).too_old
    assert not Backup(told=True, hours=35).too_old
    assert Backup(told=True, hours=36).too_old
    assert Backup(told=True).too_old


def sign(role: str, age_s: int) -> dict[str, object]:
    started = "2024-08-05T05:00:00+00:00"
    return {"role": role, "member": "", "age_s": age_s, "started_at": started, "slowest": "relay"}


def test_every_process_of_a_service_is_there_and_who_is_late_is_marked() -> None:
    signs = {"items": [sign("worker", model.LATE_AFTER_S + 1)]}
    found = model.processes("beneficiaries", ready=True, signs=signs)

    assert [(one.role, one.age_s, one.late) for one in found] == [
        ("api", 0, False),
        ("worker", model.LATE_AFTER_S + 1, True),
        ("jobs", None, True),
    ]
    on_time = {"items": [sign("worker", model.LATE_AFTER_S)]}
    assert not any(one.late for one in model.processes("allocation", ready=True, signs=on_time))


def test_of_a_service_that_does_not_answer_its_api_is_late_and_the_others_are_not_known() -> None:
    api, worker = model.processes("audit", ready=False, signs=None)

    assert (api.late, api.known) == (True, True)
    assert (worker.late, worker.known) == (False, False)


def test_the_processes_that_are_expected_are_those_that_are_started() -> None:
    started = {
        service.name: tuple(role for role in service.roles if role not in {"api", "pages"})
        for service in SERVICES
    }
    assert dict(model.ROLES) == started
