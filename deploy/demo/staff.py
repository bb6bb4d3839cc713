"""The people of the demonstration: separate accounts with their own roles, units and authenticators."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy.demo.client import Account, Addresses, Person

HELD_FROM = "2024-01-01"
FILE = "accounts.json"


@dataclass(frozen=True, slots=True)
class Post:
    """One account to make."""

    username: str
    display_name: str
    roles: tuple[str, ...]
    unit_id: str
    kind: str = "person"
    phone: str | None = None


class Staff:
    """Everybody who acts, by user name."""

    def __init__(self, addresses: Addresses, folder: Path) -> None:
        self._addresses = addresses
        self._path = folder / FILE
        self._accounts: dict[str, Account] = self._load()
        self._people: dict[str, Person] = {}

    def __getitem__(self, username: str) -> Person:
        if username not in self._people:
            self._people[username] = Person(self._addresses, self._accounts[username])
        return self._people[username]

    def hire(self, administrator: Person, posts: Sequence[Post]) -> None:
        """Every post has its account; those made by an earlier run stay as they are."""
        for post in posts:
            if post.username not in self._accounts:
                self._make(administrator, post)

    def hand_over(self, username: str, path: Path) -> None:
        """Leave a service account's credentials where its owner finds them."""
        account = self._accounts[username]
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, {"username": account.username, "password": account.password})

    def _make(self, administrator: Person, post: Post) -> None:
        account = Account(post.username, secrets.token_urlsafe(18))
        # Written before it is made: a run that ends in between finds the password again.
        self._accounts[post.username] = account
        self._save()
        body = {
            "username": post.username,
            "display_name": post.display_name,
            "password": account.password,
            "kind": post.kind,
            "unit_id": post.unit_id,
            "email": f"{post.username}@demo.example" if post.kind == "person" else None,
            "phone": post.phone,
            "assignments": [
                {"role": role, "unit_id": post.unit_id, "from_on": HELD_FROM} for role in post.roles
            ],
        }
        made = administrator.post("portal", "/v1/users", body)
        account.totp_secret, account.user_id = made["totp_secret"], made["user_id"]
        self._save()

    def _load(self) -> dict[str, Account]:
        if not self._path.exists():
            return {}
        stored = json.loads(self._path.read_text())
        return {name: Account(**entry) for name, entry in stored.items() if entry["user_id"]}

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        _write(self._path, {name: asdict(account) for name, account in self._accounts.items()})


def administrator(addresses: Addresses, path: Path) -> Person:
    """The first administrator, with the password from its file."""
    told = json.loads(path.read_text())
    return Person(addresses, Account(told["username"], told["password"], told["totp_secret"]))


def posts(province: str, districts: Sequence[Mapping[str, Any]]) -> list[Post]:
    """The province's people, and two in every district: one prepares, another approves."""
    made = [
        Post(
            "ctv.taichinh", "Chuyên viên Sở Tài chính (minh họa)", ("finance_officer", "back_dater"), province
        ),
        Post("td.taichinh", "Người thẩm định (minh họa)", ("finance_approver", "back_dater"), province),
        Post("ld.ubnd", "Lãnh đạo UBND (minh họa)", ("head", "back_dater"), province, phone="0900000001"),
        Post("kt.so", "Kế toán Sở LĐ-TB&XH (minh họa)", ("accountant", "back_dater"), province),
        Post("cs.so", "Cán bộ chính sách Sở (minh họa)", ("benefit_officer", "back_dater"), province),
        Post("duyet.so", "Người duyệt của Sở (minh họa)", ("benefit_approver", "back_dater"), province),
        Post("thanhtra", "Thanh tra viên (minh họa)", ("inspector",), province),
        Post("kbnn", "Kho bạc Nhà nước (mô phỏng)", ("treasury", "back_dater"), province, kind="service"),
    ]
    for district in districts:
        code, name, unit = district["code"], district["name"], district["id"]
        officer = ("benefit_officer", "back_dater")
        approver = ("benefit_approver", "back_dater")
        phone = f"09000{code:>05}"
        made.append(Post(f"cs.{code}", f"Cán bộ chính sách {name} (minh họa)", officer, unit, phone=phone))
        made.append(Post(f"duyet.{code}", f"Người duyệt {name} (minh họa)", approver, unit))
    return made


def _write(path: Path, content: Mapping[str, Any]) -> None:
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, ensure_ascii=False)
    draft.replace(path)
