"""The pages of decisions."""

from __future__ import annotations

from tests.browser.known.knowing import Ask, Known

NO_PAGES = frozenset({"papers.export_one", "revising.edit"})
OFFICER, CHECKER, HEAD = "ctv.taichinh", "td.taichinh", "ld.ubnd"


def pages(ask: Ask) -> dict[str, Known]:
    """By endpoint: who looks, where, and one fact that must stand there."""
    every = ask(OFFICER, "allocation", "/v1/decisions", limit=100)["items"]
    ids = {one["title"]: one["id"] for one in every}
    at = {title: f"/decisions/{found}" for title, found in ids.items()}
    shared, waiting = "Phân bổ vốn nông thôn mới huyện Núi Thành", "Sửa sân nghĩa trang"
    draft = "Xây mới 10 vỏ mộ"
    return {
        "decisions.list_all": Known(OFFICER, "/decisions?kind=allocation", shared),
        "decisions.show_one": Known(OFFICER, at[shared], "10.003.125.000"),
        "decisions.ask_approval": Known(CHECKER, f"{at[waiting]}/approval", "5.000.000"),
        "decisions.ask_return": Known(CHECKER, f"{at[waiting]}/return", waiting),
        "decisions.ask_withdrawal": Known(OFFICER, f"{at[draft]}/withdrawal", "120.000.000"),
        "decisions.ask_issue": Known(HEAD, f"{at[waiting]}/issue", waiting),
        "drafting.new_by_hand": Known(OFFICER, "/decisions/new", "Điều 11 75/2021/NĐ-CP"),
        "drafting.new_annex": Known(OFFICER, "/decisions/annex", "Điều 11 75/2021/NĐ-CP"),
        "drafting.new_formula": Known(OFFICER, "/decisions/formula", "Điều 11 75/2021/NĐ-CP"),
        "revising.edit_hand": Known(OFFICER, f"{at[draft]}/edit/hand", "120.000.000"),
        "revising.edit_annex": Known(OFFICER, f"{at[draft]}/edit/annex", "120.000.000"),
        "revising.edit_formula": Known(OFFICER, f"{at[draft]}/edit/formula", "120.000.000"),
        "papers.print_one": Known(OFFICER, f"{at[shared]}/paper", "Mười tỷ"),
    }
