from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from deploy.local.spawn import CannotStart
from deploy.local.state import Home, hold, home_of, note, read_json, reset, write_json


def test_the_state_is_where_the_environment_says_else_here() -> None:
    assert home_of({"FUNDTRAIL_HOME": "/srv/state"}).root == Path("/srv/state")
    assert home_of({}).root == Path.cwd() / ".fundtrail"


def test_two_launchers_cannot_hold_one_state(tmp_path: Path) -> None:
    home = Home(tmp_path / "state")
    with hold(home), pytest.raises(CannotStart, match=f"process {os.getpid()}"), hold(home):
        pass


def test_a_lock_file_that_nobody_holds_is_no_obstacle(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / "launcher.lock").write_text("4242")
    with hold(home):
        assert (tmp_path / "launcher.lock").read_text() == str(os.getpid())
    with hold(home):
        pass


def test_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with hold(home):
        write_json(home.addresses, {"bus": "x"}, 0o600)
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.addresses.stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match="Set FUNDTRAIL_HOME"), hold(Home(tmp_path / "file" / "state")):
        pass


def test_facts_of_a_run_are_added_to_those_known(tmp_path: Path) -> None:
    home = Home(tmp_path)
    note(home, {"proofs": 1, "seconds": 2})
    note(home, {"seconds": 3})
    assert read_json(home.run) == {"proofs": 1, "seconds": 3}
    assert not list(tmp_path.glob("*.partial"))


def test_a_missing_file_is_an_empty_object(tmp_path: Path) -> None:
    assert read_json(tmp_path / "none.json") == {}


def test_a_reset_leaves_nothing_and_may_be_repeated(tmp_path: Path) -> None:
    home = Home(tmp_path / "state")
    with hold(home):
        note(home, {"a": 1})
    assert home.root in reset(home)
    assert not home.root.exists()
    assert reset(home) == []


def test_a_running_instance_is_not_reset(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with hold(home), pytest.raises(CannotStart, match="Another launcher"):
        reset(home)
    assert home.root.exists()
