"""The first administrator: made once, where no account exists, with a random password in a 0600 file."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from services.portal.users import secrets, store
from services.portal.users.commands import Assignment, CreateUser
from services.portal.users.factors import Factors
from services.portal.users.handlers import NewUser, create_user
from shared.db.unit_of_work import UnitOfWork
from shared.documents.keys import write_secret
from shared.kernel.acts import Act
from shared.kernel.ids import id_of, new_id

NOTIFICATIONS_FILE = "notifications-account.json"
FILE_NAME = "first-administrator.json"
USERNAME = "admin"
ALWAYS = date(2000, 1, 1)
WHOLE_PROVINCE = id_of("unit-root", "49")


def ensure_administrator(unit_of_work: UnitOfWork, factors: Factors, state_dir: Path) -> None:
    """An account exists; where none did, the file holds the first one's user name, password and secret."""
    act = Act.system("portal", unit_of_work.clock.now(), "first start")
    with unit_of_work.begin(act) as work:
        if store.anybody(work.connection):
            return
        password = secrets.new_password()
        command = CreateUser(
            user_id=new_id(),
            username=USERNAME,
            display_name="Quản trị viên đầu tiên",
            password=password,
            kind="person",
            unit_id=None,
            email=None,
            phone=None,
            language="vi",
            assignments=(Assignment("administrator", WHOLE_PROVINCE, ALWAYS),),
        )
        _write(state_dir / FILE_NAME, create_user(work, factors, command), password)


def ensure_notifications_account(unit_of_work: UnitOfWork, factors: Factors, state_dir: Path) -> None:
    """The service that notifies has an account of its own, with its password in a 0600 file."""
    path = state_dir / NOTIFICATIONS_FILE
    if path.exists():
        return
    act = Act.system("portal", unit_of_work.clock.now(), "first start")
    password = secrets.new_password()
    command = CreateUser(
        user_id=new_id(),
        username="service-notifications",
        display_name="Dịch vụ thông báo",
        password=password,
        kind="service",
        unit_id=None,
        email=None,
        phone=None,
        language="vi",
        assignments=(Assignment("service_notifications", WHOLE_PROVINCE, ALWAYS),),
    )
    with unit_of_work.begin(act) as work:
        create_user(work, factors, command)
        write_secret(path, json.dumps({"username": command.username, "password": password}).encode())


def _write(path: Path, made: NewUser, password: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    told = {"username": made.username, "password": password, "totp_secret": made.totp_secret}
    write_secret(path, json.dumps(told).encode())
