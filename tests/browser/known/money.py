"""The pages of money."""

from __future__ import annotations

from babel.numbers import format_decimal

from tests.browser.known.knowing import Ask, Known

OFFICER = "ctv.taichinh"
MERIT = "year=2024&component=merit-371&source=central&capital_kind=recurrent"


def pages(ask: Ask) -> dict[str, Known]:
    """By endpoint: who looks, where, and one fact that must stand there, and that no other test moves."""
    query = {"fiscal_year": 2024, "component": "merit-371"}
    others = ask(OFFICER, "allocation", "/v1/balances", fiscal_year=2024, component="poverty-P3.1")["items"]
    (province,) = ask(OFFICER, "allocation", "/v1/balances", **query, by="unit")["items"]
    spent = ask(OFFICER, "allocation", "/v1/accounts", fiscal_year=2024, role="spent")["items"][0]
    unit = f"unit_id={spent['unit_id']}"
    return {
        "money.programmes": Known(OFFICER, "/money?year=2024", dong(others[0]["allotted_vnd"])),
        "money.by_unit": Known(
            OFFICER, f"/money/units?{MERIT}&unit_id={province['unit_id']}", dong(spent["available_vnd"])
        ),
        "money.accounts": Known(
            OFFICER, f"/money/accounts?{MERIT}&{unit}&figure=spent", dong(spent["available_vnd"])
        ),
        "money.account": Known(OFFICER, f"/money/accounts/{spent['id']}", dong(spent["available_vnd"])),
    }


def dong(vnd: int) -> str:
    """An amount as pages write it."""
    return str(format_decimal(vnd, "#,##0", locale="vi"))
