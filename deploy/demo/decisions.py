"""The finance officers' part: appropriate, allocate, have it checked and issued, be refused by law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from deploy.demo import annexes
from deploy.demo.client import Refused
from deploy.demo.staff import Staff

OFFICER, CHECKER, HEAD = "ctv.taichinh", "td.taichinh", "ld.ubnd"
YEAR = 2024
BEGUN = date(2024, 1, 15)
ALLOCATED = date(2024, 3, 15)
MERIT_ALLOCATED = date(2024, 7, 15)
SUPPLEMENTED = date(2024, 7, 24)
MERIT = {"component": "merit-371", "source": "central", "capital_kind": "recurrent"}
MILLION = 1_000_000
MOUNTAIN_COMMUNES = ("Xã Tam Sơn", "Xã Tam Thạnh", "Xã Tam Trà")  # which class is whose is demonstration
POVERTY_ENVELOPE = 60_000 * MILLION  # demonstration


@dataclass(frozen=True, slots=True)
class Reference:
    """What the demonstration looked up: units by code and the ids of articles."""

    province: str
    districts: Sequence[Mapping[str, Any]]
    communes: Sequence[Mapping[str, Any]]
    articles: Mapping[tuple[str, str], str]


class Decisions:
    """Writes decisions and takes them from desk to desk."""

    def __init__(self, staff: Staff, reference: Reference) -> None:
        self._staff = staff
        self._reference = reference
        self._number = 0

    def donor(self) -> None:
        """The city's ten billion for six cemeteries, from its printed annex."""
        money = {"component": "cemetery-donor", "source": "donor-da-nang", "capital_kind": "development"}
        article = self._reference.articles["QD-1352-2022", "cemetery_work"]
        self._appropriate("Tiếp nhận vốn hỗ trợ của thành phố Đà Nẵng", money, article, 10_000 * MILLION)
        title = "Phân bổ 10 tỷ đồng cho sáu nghĩa trang liệt sĩ"
        form = {name: str(value) for name, value in self._header("allocation", title, money).items()}
        fields = form | {
            "article_id": article,
            "units_on": "2024-01-01",
            "works": "8",
            "demonstration": "false",
        }
        drafted = self._staff[OFFICER].upload(
            "allocation",
            "/v1/decisions/annexes",
            "phu-luc-nghia-trang.xlsx",
            annexes.cemeteries(),
            fields,
            ALLOCATED,
            "donor-annex",
        )
        self._issue(drafted["id"], ALLOCATED)

    def two_classes(self) -> None:
        """Núi Thành: three mountain communes and twelve others, two fixed amounts."""
        money = {"component": "new-rural", "source": "province", "capital_kind": "development"}
        article = self._reference.articles["QD-07-2022", "new_rural_programme"]
        self._appropriate("Kế hoạch vốn nông thôn mới", money, article, 10_003_125_000)
        district = next(one["id"] for one in self._reference.districts if one["code"] == "517")
        communes = [one for one in self._reference.communes if one["parent_id"] == district]
        rural = [one for one in communes if one["name"].startswith("Xã ")]
        mountain = [one for one in rural if one["name"] in MOUNTAIN_COMMUNES]
        others = [one for one in rural if one not in mountain][:12]
        body = self._header(
            "allocation", "Phân bổ vốn nông thôn mới huyện Núi Thành", money, demonstration=True
        )
        body |= {
            "article_id": article,
            "instrument": "QD-07-2022",
            "class_amounts": {"miền núi": 1_466_875_000, "còn lại": 466_875_000},
            "shares": [{"unit_id": one["id"], "classes": ["miền núi"]} for one in mountain]
            + [{"unit_id": one["id"], "classes": ["còn lại"]} for one in others],
        }
        self._computed(body, "two-classes")

    def poverty(self) -> None:
        """An envelope of the poverty programme, shared by demonstration counts of poor households."""
        money = {"component": "poverty-P3.1", "source": "central", "capital_kind": "recurrent"}
        article = self._reference.articles["TT-55-2023", "poverty_programme"]
        title = "Kinh phí sự nghiệp giảm nghèo (số liệu minh họa)"
        self._appropriate(title, money, article, POVERTY_ENVELOPE)
        body = self._header("allocation", f"Phân bổ {title}", money, demonstration=True)
        body |= {
            "article_id": article,
            "instrument": "TT-55-2023",
            "total_vnd": POVERTY_ENVELOPE,
            "rounding_vnd": MILLION,
            "shares": [
                {"unit_id": one["id"], "count": 300 + 137 * (number * number % 17)}
                for number, one in enumerate(self._reference.districts)
            ],
        }
        self._computed(body, "poverty")

    def merit(self, needs: Mapping[str, int], short: str) -> int:
        """Merit funds for August to every district, enough for all but one; how many đồng that one lacks.

        Amounts are demonstration.
        """
        article = self._reference.articles["TT-44-2022", "merit_monthly"]
        amounts = {
            unit: _rounded_up(need * (55 if unit == short else 108) // 100) for unit, need in needs.items()
        }
        spare = sum(_rounded_up(need) for need in needs.values())
        title = "Giao kinh phí ưu đãi người có công (số liệu minh họa)"
        self._appropriate(title, MERIT, article, sum(amounts.values()) + spare)
        self._by_hand(
            "allocation", f"Phân bổ tháng 8/2024: {title}", MERIT, article, amounts, MERIT_ALLOCATED
        )
        return needs[short] - amounts[short]

    def supplement(self, unit: str, lacking: int) -> None:
        """What the short district lacks, and a little more."""
        article = self._reference.articles["TT-44-2022", "merit_monthly"]
        amounts = {unit: _rounded_up(lacking + 50 * MILLION)}
        title = "Bổ sung kinh phí ưu đãi người có công (số liệu minh họa)"
        self._by_hand("supplement", title, MERIT, article, amounts, SUPPLEMENTED)

    def refusals(self) -> list[str]:
        """Four attempts that must fail, and how each was answered."""
        articles = self._reference.articles
        works = {"component": "cemetery-works", "source": "province", "capital_kind": "development"}
        shells = self._hand_written(
            works,
            articles["ND-75-2021", "cemetery_grave_new"],
            "Xây mới 10 vỏ mộ",
            120 * MILLION,
            10,
            OFFICER,
        )
        lapsed = self._hand_written(
            MERIT, articles["TT-46-2022", "poverty_programme"], "Theo văn bản cũ", 50 * MILLION, None, OFFICER
        )
        own = self._hand_written(
            works, articles["NQ-68-2021", "cemetery_work"], "Sửa sân nghĩa trang", 5 * MILLION, None, CHECKER
        )
        checker = self._staff[CHECKER]
        checker.post("allocation", f"/v1/decisions/{own}/submission", on=ALLOCATED, act=f"submit-{own}")
        return [
            self._refused(OFFICER, f"/v1/decisions/{shells}/submission", "ceiling_exceeded"),
            self._refused(OFFICER, f"/v1/decisions/{lapsed}/submission", "instrument_lapsed"),
            self._refused(CHECKER, f"/v1/decisions/{own}/approval", "maker_is_checker"),
            self._untied(),
        ]

    def _untied(self) -> str:
        money = {"component": "cemetery-donor", "source": "donor-da-nang", "capital_kind": "development"}
        form = {name: str(value) for name, value in self._header("allocation", "Sai tổng", money).items()}
        fields = form | {
            "article_id": self._reference.articles["QD-1352-2022", "cemetery_work"],
            "units_on": "2024-01-01",
            "demonstration": "false",
        }
        try:
            self._staff[OFFICER].upload(
                "allocation",
                "/v1/decisions/annexes",
                "sai.xlsx",
                annexes.untied(),
                fields,
                ALLOCATED,
                "untied",
            )
        except Refused as refusal:
            return _expected(refusal, "annex_faulty")
        raise AssertionError("an annex that does not tie was taken")

    def _refused(self, username: str, path: str, code: str) -> str:
        try:
            self._staff[username].post("allocation", path, on=ALLOCATED, act=f"refused-{path}")
        except Refused as refusal:
            return _expected(refusal, code)
        raise AssertionError(f"{path} should have been refused with {code}")

    def _hand_written(
        self, money: Mapping[str, str], article: str, text: str, amount: int, quantity: int | None, by: str
    ) -> str:
        body = self._header("allocation", text, money, demonstration=True)
        body["lines"] = [{"text": text, "article_id": article, "amount_vnd": amount, "quantity": quantity}]
        drafted = self._staff[by].post("allocation", "/v1/decisions", body, ALLOCATED, f"draft-{text}")
        return str(drafted["id"])

    def _appropriate(self, title: str, money: Mapping[str, str], article: str, amount: int) -> None:
        body = self._header("appropriation", title, money, demonstration=True)
        body["lines"] = [{"text": title, "article_id": article, "amount_vnd": amount}]
        drafted = self._staff[OFFICER].post(
            "allocation", "/v1/decisions", body, BEGUN, f"appropriate-{title}"
        )
        self._issue(drafted["id"], BEGUN)

    def _by_hand(
        self,
        kind: str,
        title: str,
        money: Mapping[str, str],
        article: str,
        amounts: Mapping[str, int],
        on: date,
    ) -> None:
        body = self._header(kind, title, money, demonstration=True)
        names = {one["id"]: one["name"] for one in self._reference.districts}
        body["lines"] = [
            {
                "label": str(n),
                "text": names[unit],
                "unit_id": unit,
                "article_id": article,
                "amount_vnd": amount,
            }
            for n, (unit, amount) in enumerate(amounts.items(), 1)
        ]
        drafted = self._staff[OFFICER].post("allocation", "/v1/decisions", body, on, f"draft-{title}")
        self._issue(drafted["id"], on)

    def _computed(self, body: Mapping[str, Any], act: str) -> None:
        drafted = self._staff[OFFICER].post("allocation", "/v1/decisions/formulas", body, ALLOCATED, act)
        self._issue(drafted["id"], ALLOCATED)

    def _issue(self, decision: str, on: date) -> None:
        self._number += 1
        path = f"/v1/decisions/{decision}"
        self._staff[OFFICER].post("allocation", f"{path}/submission", on=on, act=f"submit-{decision}")
        self._staff[CHECKER].post("allocation", f"{path}/approval", on=on, act=f"approve-{decision}")
        paper = {"number": f"{self._number:03d}/QĐ-UBND-MH", "issued_on": on.isoformat()}
        self._staff[HEAD].post("allocation", f"{path}/issue", paper, on, f"issue-{decision}")

    def _header(
        self, kind: str, title: str, money: Mapping[str, str], *, demonstration: bool = False
    ) -> dict[str, Any]:
        return {
            "kind": kind,
            "title": title,
            "fiscal_year": YEAR,
            **money,
            "issuing_unit_id": self._reference.province,
            "demonstration": demonstration,
        }


def _expected(refusal: Refused, code: str) -> str:
    if refusal.code != code:
        raise refusal
    return f"{code}: {refusal.detail}"


def _rounded_up(amount: int) -> int:
    return -(-amount // MILLION) * MILLION
