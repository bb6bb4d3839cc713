"""Beginning and finishing a payroll run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from services.beneficiaries.lists import store as lists
from services.beneficiaries.openings.handlers import closed_periods, open_periods
from services.beneficiaries.payroll.events import PayrollComputed
from services.beneficiaries.payroll.tables import payroll_runs
from shared.db.unit_of_work import Work
from shared.jobs.runner import enqueue
from shared.kernel.errors import Conflict, Rejected
from shared.kernel.ids import id_of
from shared.kernel.periods import Period

KIND = "payroll"
CLOSING_DAY = 25  # the list of a month is made before the 25th of the month before: TT 44/2022/TT-BTC Art. 8


def begin_payroll(work: Work, period: Period) -> UUID:
    """The id of the job that computes a month, as known on the act's business date.

    Raises: Rejected payroll_too_late, month_open; Conflict payroll_exists, payroll_running, opening_open.
    """
    known_on = work.act.business_date
    _ensure_in_turn(work.connection, period)
    _ensure_in_time(period, known_on)
    run_id = id_of("payroll", period)
    work.connection.execute(
        insert(payroll_runs).values(
            id=run_id, period=str(period), known_on=known_on, state="running", prepared_by=work.act.actor
        )
    )
    params = {"run_id": str(run_id), "period": str(period), "known_on": known_on.isoformat()}
    return enqueue(work, KIND, params, job_id_of(period))


def job_id_of(period: Period) -> UUID:
    """The id of the job that computes a month."""
    return id_of("job", KIND, period)


def finish_payroll(work: Work, run_id: UUID, period: Period, sums: Mapping[str, int]) -> None:
    """The run is computed: lists have their sums, and the fact is told."""
    list_count, payment_count, total_vnd = lists.total_up(work.connection, period)
    known_on = work.connection.execute(
        update(payroll_runs)
        .where(payroll_runs.c.id == run_id)
        .values(
            state="computed",
            list_count=list_count,
            payment_count=payment_count,
            total_vnd=total_vnd,
            arrears_vnd=sums["arrears_vnd"],
            recoveries_vnd=sums["recoveries_vnd"],
            carried_vnd=sums["carried_vnd"],
        )
        .returning(payroll_runs.c.known_on)
    ).scalar_one()
    work.record(
        PayrollComputed(
            str(run_id), str(period), known_on.isoformat(), list_count, payment_count, total_vnd, **sums
        )
    )


def closed_months(connection: Connection) -> list[Period]:
    """Every month that was taken over or computed, oldest first."""
    computed = connection.scalars(select(payroll_runs.c.period).where(payroll_runs.c.state == "computed"))
    return sorted({*closed_periods(connection), *(Period.parse(text) for text in computed)})


def find_run(connection: Connection, period: Period) -> Row[Any] | None:
    """The run of a month."""
    return connection.execute(select(payroll_runs).where(payroll_runs.c.period == str(period))).one_or_none()


def _ensure_in_turn(connection: Connection, period: Period) -> None:
    closed = closed_months(connection)
    if find_run(connection, period) is not None or (closed and period <= closed[-1]):
        raise refuse_second_run()
    running = connection.scalar(select(payroll_runs.c.period).where(payroll_runs.c.state == "running"))
    if running is not None:
        raise Conflict("payroll_running", f"{running} is being computed; wait until it is.", period=running)
    unfinished = open_periods(connection)
    if unfinished:
        raise Conflict(
            "opening_open",
            f"{unfinished[0]} was taken over and is not closed yet; close it before {period}.",
            period=unfinished[0],
        )
    if closed and closed[-1] != period.previous():
        raise Rejected(
            "month_open",
            f"{period.previous()} is not closed yet; close it before {period} is computed.",
            period=period.previous(),
        )


def _ensure_in_time(period: Period, known_on: date) -> None:
    last = period.previous().first_day.replace(day=CLOSING_DAY)
    if known_on >= last:
        raise Rejected(
            "payroll_too_late",
            f"{period} is closed before {last} (TT 44/2022/TT-BTC Art. 8); {known_on} is too late.",
            period=period,
            last_on=last,
        )


def refuse_second_run() -> Conflict:
    """The refusal that belongs to a second run of one month."""
    return Conflict("payroll_exists", "This month was computed already; late news goes into the next month.")
