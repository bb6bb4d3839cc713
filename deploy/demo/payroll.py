"""The benefit officers' part: register, opening months, late news, the month of August, lists and results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

from deploy.demo.client import Person, Refused
from deploy.demo.late_news import MONTHS, News
from deploy.demo.openings import Rates, opening_file
from deploy.demo.population import Invented, register_file
from deploy.demo.staff import Staff

PERIOD = "2024-08"
REGISTERED = date(2024, 4, 22)
TAKEN_OVER = date(2024, 7, 9)
REPORTED = date(2024, 7, 10)
CONFIRMED = date(2024, 7, 12)
COMPUTED = date(2024, 7, 22)
SUBMITTED = date(2024, 7, 22)
APPROVED = date(2024, 7, 23)
RESUBMITTED = date(2024, 7, 24)
SENT_OUT = date(2024, 8, 1)
ANSWERED = date(2024, 8, 20)
CLOSED = date(2024, 8, 21)
STATE_TIMEOUT_S = 300
POLL_S = 0.2
AT_ONCE = 4
ANSWER_SUFFIXES = frozenset({".xlsx", ".xml"})  # what is still being written has another

Say = Callable[[str], None]


class Payroll:
    """Takes a month from the register to closed lists."""

    def __init__(
        self, staff: Staff, districts: Sequence[Mapping[str, Any]], channels: Path, say: Say
    ) -> None:
        self._staff = staff
        self._code_of = {one["id"]: one["code"] for one in districts}
        self._channels = channels
        self._say = say

    def register(self, people: Sequence[Invented]) -> None:
        """Everybody is in the register: one officer of the department sent the file, another approved it."""
        officer, approver = self._staff["cs.so"], self._staff["duyet.so"]
        started = officer.upload(
            "beneficiaries",
            "/v1/persons/imports",
            "register.csv",
            register_file(people),
            on=REGISTERED,
            act="register",
        )
        job = officer.wait_for_job("beneficiaries", started["job_id"])
        path = f"/v1/registrations/{started['registration_id']}/approval"
        entering = approver.post("beneficiaries", path, on=REGISTERED, act="approve-register")
        entered = approver.wait_for_job("beneficiaries", entering["job_id"])
        count = entered["result"]["entered"]
        self._say(f"register: {job['done']} rows, {job['fault_count']} faults, {count} entered")

    def take_over(self, people: Sequence[Invented], rates: Rates, news: Sequence[News]) -> None:
        """May, June and July are closed as they were paid."""
        officer, approver = self._staff["cs.so"], self._staff["duyet.so"]
        for period in MONTHS:
            content = opening_file(period, people, rates, news)
            path = f"/v1/openings/{period}/imports"
            started = officer.upload(
                "beneficiaries", path, f"{period}.csv", content, on=TAKEN_OVER, act=f"opening-{period}"
            )
            officer.wait_for_job("beneficiaries", started["job_id"])
            path = f"/v1/openings/{started['opening_id']}/approval"
            closed = approver.post("beneficiaries", path, on=TAKEN_OVER, act=f"close-opening-{period}")
            self._say(f"opening {period}: {closed['row_count']} amounts, {closed['total_vnd']:,} đồng")

    def report(self, news: Sequence[News]) -> None:
        """Every late report is requested by one officer of the district and approved by another."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._report, _by_district(news)))
        self._say(f"late news: {len(news)} changes requested and approved")

    def compute(self) -> Mapping[str, Any]:
        """August is computed for everybody."""
        officer = self._staff["cs.so"]
        started = officer.post("beneficiaries", f"/v1/payroll/{PERIOD}", on=COMPUTED, act=f"payroll-{PERIOD}")
        officer.wait_for_job("beneficiaries", started["job_id"])
        run: Mapping[str, Any] = officer.get("beneficiaries", f"/v1/payroll/{PERIOD}")
        self._say(f"payroll {PERIOD}: {run['payment_count']} payments, {run['total_vnd']:,} đồng")
        return run

    def lists(self) -> list[dict[str, Any]]:
        """The month's lists as they stand; rights reach over the units of a day, which are those of then."""
        return list(self._staff["cs.so"].pages("beneficiaries", "/v1/lists", day=COMPUTED, period=PERIOD))

    def submit_and_approve(self, found: Mapping[str, Any], on: date, approved_on: date) -> None:
        """One officer stands by a list, another approves just what was seen."""
        code = self._code_of[found["unit_id"]]
        act = f"{found['id']}-{on}"
        officer, approver = self._staff[f"cs.{code}"], self._staff[f"duyet.{code}"]
        path = f"/v1/lists/{found['id']}"
        submitted = officer.post("beneficiaries", f"{path}/submission", on=on, act=f"submit-{act}")
        seen = {"content_sha256": submitted["content_sha256"]}
        approver.post("beneficiaries", f"{path}/approval", seen, approved_on, f"approve-{act}")

    def submit_all(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Every list is submitted and approved."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda one: self.submit_and_approve(one, SUBMITTED, APPROVED), found))

    def wait_until(
        self, what: str, reached: Callable[[Sequence[Mapping[str, Any]]], bool]
    ) -> list[dict[str, Any]]:
        """The lists once they have reached what is waited for. Raises: TimeoutError."""
        until = time.monotonic() + STATE_TIMEOUT_S
        while time.monotonic() < until:
            found = self.lists()
            if reached(found):
                return found
            time.sleep(POLL_S)
        raise TimeoutError(f"the lists did not become {what} in {STATE_TIMEOUT_S} s")

    def wait_for_message(self, district: str, subject: str) -> None:
        """The district's officer has a message whose subject begins so. Raises: TimeoutError."""
        officer = self._staff[f"cs.{district}"]
        until = time.monotonic() + STATE_TIMEOUT_S
        while time.monotonic() < until:
            if any(
                one["subject"].startswith(subject) for one in officer.pages("notifications", "/v1/messages")
            ):
                return
            time.sleep(POLL_S)
        raise TimeoutError(f"no message came to the officer of district {district}")

    def send_out(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Every list lies in its provider's inbox, once."""
        for one in found:
            folder = self._channels / one["channel"]
            name, content = self._officer(one).download(
                "beneficiaries", f"/v1/lists/{one['id']}/file", SENT_OUT
            )
            if (folder / "done" / name).exists():
                continue  # answered in an earlier run
            draft = folder / f"{name}.draft"
            draft.write_bytes(content)
            (folder / "inbox").mkdir(parents=True, exist_ok=True)
            draft.replace(folder / "inbox" / name)

    def bring_back(self, found: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
        """Upload every answer as it comes: how many were taken, and how many had come before."""
        waited_for = {(one["channel"], one["id"]): one for one in found}
        taken: set[Path] = set()
        answered: set[tuple[str, str]] = set()
        statements: list[tuple[Person, Mapping[str, str]]] = []
        until = time.monotonic() + STATE_TIMEOUT_S
        while answered < waited_for.keys() or not self._one_came_twice(taken):
            if time.monotonic() > until:
                raise TimeoutError("the providers did not answer every list")
            for path in self._new_answers(taken):
                taken.add(path)
                answered.add(key := self._key_of(path, waited_for))
                statements.extend(self._upload(path, waited_for[key]))
            time.sleep(POLL_S)
        for officer, started in statements:
            officer.wait_for_job("beneficiaries", started["job_id"])
            self._wait_until_told(officer, started["statement_id"])
        return len(taken), len(taken) - len(statements)

    def close(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Every list is asked to close; the ledger has the last word."""
        for one in found:
            path = f"/v1/lists/{one['id']}/closure"
            self._officer(one).post("beneficiaries", path, on=CLOSED, act=f"close-{one['id']}")

    def _report(self, some: Sequence[News]) -> None:
        for news in some:
            code = news.person.district_code
            officer, approver = self._staff[f"cs.{code}"], self._staff[f"duyet.{code}"]
            body = {
                "person_number": news.person.number,
                "kind": news.kind,
                "details": dict(news.details),
                "evidence": f"Mẫu 72/73/93, hồ sơ {news.person.number} (minh họa)",
            }
            act = f"{news.kind}-{news.person.number}"
            change = officer.post("beneficiaries", "/v1/changes", body, REPORTED, f"report-{act}")
            path = f"/v1/changes/{change['id']}/approval"
            approver.post("beneficiaries", path, on=CONFIRMED, act=f"confirm-{act}")

    def _officer(self, one: Mapping[str, Any]) -> Person:
        return self._staff[f"cs.{self._code_of[one['unit_id']]}"]

    def _new_answers(self, taken: set[Path]) -> list[Path]:
        boxes = [self._channels / channel / "outbox" for channel in ("post", "bank")]
        found = [path for box in boxes for path in box.glob("*") if path.suffix in ANSWER_SUFFIXES]
        return sorted(path for path in found if path not in taken)

    @staticmethod
    def _one_came_twice(taken: set[Path]) -> bool:
        return any("-again" in path.name for path in taken)

    @staticmethod
    def _key_of(path: Path, waited_for: Iterable[tuple[str, str]]) -> tuple[str, str]:
        channel = path.parent.parent.name
        return next(key for key in waited_for if key[0] == channel and key[1] in path.name)

    def _upload(self, path: Path, one: Mapping[str, Any]) -> list[tuple[Person, Mapping[str, str]]]:
        """The answer's statement and the job that matches it, none where this very file came before."""
        officer = self._officer(one)
        url = f"/v1/statements?provider={one['provider']}"
        act = f"answer-{path.name}"
        try:
            started = officer.upload("beneficiaries", url, path.name, path.read_bytes(), on=ANSWERED, act=act)
        except Refused as refusal:
            if refusal.code == "statement_repeated":
                return []
            raise
        return [(officer, started)]

    @staticmethod
    def _wait_until_told(officer: Person, statement: str) -> None:
        """What the statement says is on its way to the ledger, so that its lists may close."""
        until = time.monotonic() + STATE_TIMEOUT_S
        while officer.get("beneficiaries", f"/v1/statements/{statement}")["state"] != "told":
            if time.monotonic() > until:
                raise TimeoutError(f"statement {statement} was not told in {STATE_TIMEOUT_S} s")
            time.sleep(POLL_S)


def _by_district(news: Sequence[News]) -> list[list[News]]:
    found: dict[str, list[News]] = {}
    for one in news:
        found.setdefault(one.person.district_code, []).append(one)
    return list(found.values())
