"""The pages of the payment month."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.browser.known.knowing import Ask, Known

PERIOD = "2024-08"
AUGUST = date(2024, 8, 1)
NO_PAGES = frozenset({"months.choose"})  # leads to the month that was typed


def pages(ask: Ask) -> dict[str, Known]:
    """By endpoint: who looks, where, and one fact that must stand there."""

    def first(path: str, **query: str) -> dict[str, Any]:
        found: dict[str, Any] = ask("cs.so", "beneficiaries", path, day=AUGUST, **query)["items"][0]
        return found

    one = first("/v1/lists", period=PERIOD)
    back = first("/v1/returns", period=PERIOD)
    statement, register = first("/v1/statements"), first("/v1/registrations")
    change = first("/v1/changes")
    received = f"{date.fromisoformat(statement['received_on']):%d/%m/%Y}"
    total = f"{int(one['total_vnd']):,}".replace(",", ".")
    run = ask("cs.so", "beneficiaries", f"/v1/payroll/{PERIOD}")
    computed = f"{run['total_vnd']:,}".replace(",", ".")
    month, the_list = f"/months/{PERIOD}", f"/months/{PERIOD}/lists/{one['id']}"
    registers, changes = "/months/registers", "/months/changes"
    return {
        "months.months": Known("cs.so", "/months", "08/2024"),
        "months.month": Known("cs.so", month, computed),
        "months.ask_payroll": Known("cs.so", "/months/2024-09/payroll", "09/2024"),
        "months.returns": Known("cs.so", f"{month}/returns", back["person"]["full_name"]),
        "months.person": Known(
            "cs.so", f"/months/persons/{back['person_id']}?period={PERIOD}", back["person_id"]
        ),
        "months.lists.lists": Known("kt.so", f"{month}/lists", total),
        "months.lists.one": Known("cs.so", the_list, total),
        "months.lists.ask_step": Known("cs.so", f"{the_list}/reissues", total),
        "months.paper.paper": Known("cs.so", f"{the_list}/paper?version=1", one["id"]),
        "months.statements.statements": Known("cs.so", "/months/statements", received),
        "months.statements.statement": Known("cs.so", f"/months/statements/{statement['id']}", received),
        "months.statements.discrepancies": Known("cs.so", "/months/discrepancies", "Dòng chưa khớp"),
        "months.statements.unanswered": Known("cs.so", "/months/unanswered", "Chưa có kết quả"),
        "months.registers.registers": Known("duyet.so", registers, register["document_sha256"][:8]),
        "months.registers.register": Known(
            "duyet.so", f"{registers}/{register['id']}", register["document_sha256"]
        ),
        "months.registers.ask_verdict": Known(
            "duyet.so", f"{registers}/{register['id']}/approval", str(register["accepted_count"])[-3:]
        ),
        "months.registers.trial": Known("cs.so", f"{registers}/trials/{register['reading_job_id']}", "Xong"),
        "months.changes.changes": Known("cs.so", changes, change["person_number"]),
        "months.changes.new": Known("cs.so", f"{changes}/new/death", "Báo giảm do từ trần"),
        "months.changes.change": Known("cs.so", f"{changes}/{change['id']}", change["person_number"]),
    }
