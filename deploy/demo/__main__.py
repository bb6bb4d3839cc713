"""The main job as the people concerned would do it, through the public API alone.

Run it again and it does nothing twice: every act has a name, and the API knows it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.demo import inspection
from deploy.demo.client import Addresses, Person
from deploy.demo.decisions import Decisions, Reference
from deploy.demo.late_news import late_news
from deploy.demo.openings import DECREE, rates_of
from deploy.demo.payroll import RESUBMITTED, Payroll
from deploy.demo.population import PERSONS, invent
from deploy.demo.staff import Post, Staff, administrator, posts

UNITS_ON = "2024-01-15"
SHORT_DISTRICT = "513"  # Thăng Bình gets too little at first
ANY_UNIT = "00000000-0000-0000-0000-000000000000"  # looking up needs no unit
INSTRUCTED = frozenset({"instructed", "closing", "closed"})
DECIDED = INSTRUCTED | {"held", "drawn", "refused"}


class Progress:
    """Says what is done and when, a line at a time."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def __call__(self, text: str) -> None:
        """Say one line."""
        sys.stdout.write(f"{time.monotonic() - self._begun:7.1f} s  {text}\n")
        sys.stdout.flush()


def main() -> int:
    """Do the job; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the state folder of the instance")
    parser.add_argument("--persons", type=int, default=PERSONS, help="how many persons to invent")
    options = parser.parse_args()
    told = json.loads((options.home / "run.json").read_text())
    addresses = Addresses(**{name: told["addresses"][name] for name in Addresses.__dataclass_fields__})
    run(addresses, options.home, options.persons, Progress())
    return 0


def run(addresses: Addresses, home: Path, persons: int, say: Progress) -> None:
    """The whole job, from accounts to proof."""
    staff = Staff(addresses, home / "demo")
    boss = administrator(addresses, home / "first-administrator.json")
    say("accounts ...")
    reference = _hire_and_look_up(boss, staff, home)
    say(f"accounts made; {len(reference.districts)} districts, {len(reference.communes)} communes")
    decisions = Decisions(staff, reference)
    decisions.donor()
    decisions.two_classes()
    decisions.poverty()
    for refusal in decisions.refusals():
        say(f"refused: {refusal}")
    payroll = Payroll(staff, reference.districts, home / "outside", say)
    run_facts = _pay_register(staff, reference, payroll, persons)
    _fund_and_pay(payroll, decisions, reference, say)
    say(f"arrears {run_facts['arrears_vnd']:,} đồng, recoveries {run_facts['recoveries_vnd']:,} đồng")
    _inspect(staff["thanhtra"], home / "demo", say)


def _hire_and_look_up(boss: Person, staff: Staff, home: Path) -> Reference:
    """Accounts need units, and units need an account: one clerk is hired first, who looks them up."""
    clerk = Post("tra.cuu", "Cán bộ tra cứu (minh họa)", ("finance_officer",), ANY_UNIT)
    staff.hire(boss, [clerk])
    units = list(staff[clerk.username].pages("allocation", "/v1/units", on=UNITS_ON))
    province = next(one["id"] for one in units if one["level"] == 1)
    districts = [one for one in units if one["level"] == 2]
    communes = [one for one in units if one["level"] == 3]
    staff.hire(boss, posts(province, districts))
    staff.hand_over("kbnn", home / "outside" / "treasury" / "credentials.json")
    found = staff[clerk.username].get("allocation", "/v1/articles")["items"]
    articles = {(one["instrument"]["code"], one["purpose"]): one["id"] for one in found}
    return Reference(province, districts, communes, articles)


def _pay_register(staff: Staff, reference: Reference, payroll: Payroll, persons: int) -> Mapping[str, Any]:
    code_of = {one["id"]: one["code"] for one in reference.districts}
    communes = [{**one, "district_code": code_of[one["parent_id"]]} for one in reference.communes]
    people = invent(communes, {one["code"]: one["district_code"] for one in communes}, persons)
    news = late_news(people, communes)
    published = staff["cs.so"].get("beneficiaries", "/v1/rates")["items"]
    payroll.register(people)
    payroll.take_over(people, rates_of(published, DECREE), news)
    payroll.report(news)
    return payroll.compute()


def _fund_and_pay(payroll: Payroll, decisions: Decisions, reference: Reference, say: Progress) -> None:
    needs: dict[str, int] = {}
    for one in payroll.lists():
        needs[one["unit_id"]] = needs.get(one["unit_id"], 0) + one["total_vnd"]
    short = next(one["id"] for one in reference.districts if one["code"] == SHORT_DISTRICT)
    lacking = decisions.merit(dict(sorted(needs.items())), short)
    say("merit funds for August are allotted")
    found = payroll.lists()
    payroll.submit_all(found)
    say(f"{len(found)} lists submitted and approved")
    settled = payroll.wait_until("answered", lambda all_: all(one["state"] in DECIDED for one in all_))
    refused = [one for one in settled if one["state"] == "refused"]
    if refused:
        missing = sum(line["shortfall_vnd"] for one in refused for line in one["refusal"]["lines"])
        say(f"{len(refused)} list refused: {missing:,} đồng are missing in district {SHORT_DISTRICT}")
        payroll.wait_for_message(SHORT_DISTRICT, "Không đủ kinh phí")
        say("its officer has been told")
        decisions.supplement(short, lacking)  # what is missing to one list may go to another meanwhile
        for one in refused:
            payroll.submit_and_approve(one, RESUBMITTED, RESUBMITTED)
    ready = payroll.wait_until("instructed", lambda all_: all(one["state"] in INSTRUCTED for one in all_))
    say("every list is held, drawn and instructed")
    payroll.send_out(ready)
    taken, repeated = payroll.bring_back(ready)
    say(f"{taken} answers came back, {repeated} of them twice")
    payroll.close(ready)
    payroll.wait_until("closed", lambda all_: all(one["state"] == "closed" for one in all_))
    say("every list is closed, and the ledger agrees")


def _inspect(inspector: Person, folder: Path, say: Progress) -> None:
    size = inspection.wait_until_nothing_lags(inspector)
    say(f"nothing lags: {size} facts are in the signed log")
    payment = inspection.returned_payment(inspector)
    chain = inspection.chain_of(inspector, payment)
    say(f"payment {payment}: " + " -> ".join(step["step"] for step in chain["steps"]))
    inspection.take_home(inspector, payment, folder)
    inspection.wait_until_nothing_lags(inspector)
    say(f"proof, checkpoint and key lie in {folder}")


if __name__ == "__main__":
    sys.exit(main())
