from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from deploy.outside.folders import whole_files, whole_or_nothing
from deploy.outside.provider import Pace, Provider, Unreadable

RUNNING = threading.Event()


def echo(source: Path, target: Path, seed: str) -> None:
    if source.read_text() == "nonsense":
        raise Unreadable("this is no list")
    target.write_text(f"{seed}: {source.read_text()}")


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    return Provider(tmp_path, ".txt", echo, "seed", Pace(0, 0.05))


def hand_in(folder: Path, name: str, text: str = "list") -> Path:
    path = folder / "inbox" / name
    path.write_text(text)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_answers_a_list_and_puts_it_away(tmp_path: Path, provider: Provider) -> None:
    provider.take(hand_in(tmp_path, "a.txt"), RUNNING)
    assert (tmp_path / "outbox" / "a-result.txt").read_text() == "seed: list"
    assert names(tmp_path / "done") == ["a.txt"]
    assert names(tmp_path / "inbox") == []


def test_the_second_answer_is_sent_twice_and_the_others_once(tmp_path: Path, provider: Provider) -> None:
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        provider.take(hand_in(tmp_path, name), RUNNING)
    assert names(tmp_path / "outbox") == [
        "a-result.txt",
        "b-result-again.txt",
        "b-result.txt",
        "c-result.txt",
        "d-result.txt",
    ]


def test_the_third_answer_is_late(tmp_path: Path) -> None:
    class Watch(threading.Event):
        waits: list[float | None]

        def wait(self, timeout: float | None = None) -> bool:
            self.waits.append(timeout)
            return False

    watch = Watch()
    watch.waits = []
    provider = Provider(tmp_path, ".txt", echo, pace=Pace(1, 60))
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        provider.take(hand_in(tmp_path, name), watch)
    assert watch.waits == [1, 1, 60, 1]


def test_a_list_that_comes_again_is_not_paid_again(tmp_path: Path, provider: Provider) -> None:
    provider.take(hand_in(tmp_path, "a.txt"), RUNNING)
    provider.take(hand_in(tmp_path, "a.txt", "other"), RUNNING)
    assert (tmp_path / "outbox" / "a-result.txt").read_text() == "seed: list"
    assert names(tmp_path / "inbox") == []


def test_a_restart_remembers_what_was_answered(tmp_path: Path, provider: Provider) -> None:
    provider.take(hand_in(tmp_path, "a.txt"), RUNNING)
    again = Provider(tmp_path, ".txt", echo, "seed", Pace(0, 0))
    again.take(hand_in(tmp_path, "b.txt"), RUNNING)
    assert (tmp_path / "outbox" / "b-result-again.txt").exists()
    assert json.loads((tmp_path / "answered.json").read_text()) == ["a.txt", "b.txt"]


def test_a_list_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path, provider: Provider) -> None:
    provider.take(hand_in(tmp_path, "a.txt", "nonsense"), RUNNING)
    assert names(tmp_path / "refused") == ["a.txt", "a.txt.txt"]
    assert (tmp_path / "refused" / "a.txt.txt").read_text() == "this is no list\n"
    assert names(tmp_path / "outbox") == []


def test_a_provider_told_to_stop_leaves_the_list_for_later(tmp_path: Path, provider: Provider) -> None:
    stop = threading.Event()
    stop.set()
    provider.take(hand_in(tmp_path, "a.txt"), stop)
    assert names(tmp_path / "inbox") == ["a.txt"]
    assert names(tmp_path / "outbox") == []


def test_works_through_its_inbox_until_it_is_told_to_stop(tmp_path: Path) -> None:
    stop = threading.Event()

    def answer_and_stop(source: Path, target: Path, seed: str) -> None:
        echo(source, target, seed)
        if source.name == "b.txt":
            stop.set()

    provider = Provider(tmp_path, ".txt", answer_and_stop, pace=Pace(0, 0))
    hand_in(tmp_path, "a.txt")
    hand_in(tmp_path, "b.txt")
    (tmp_path / "inbox" / "c.txt.partial").write_text("half")
    provider.run(stop)
    assert names(tmp_path / "done") == ["a.txt", "b.txt"]
    assert names(tmp_path / "inbox") == ["c.txt.partial"]


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def half_written() -> None:
        with whole_or_nothing(tmp_path / "a.txt") as place:
            place.write_text("half")
            assert whole_files(tmp_path) == []
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="power"):
        half_written()
    assert whole_files(tmp_path) == []
    with whole_or_nothing(tmp_path / "a.txt") as place:
        place.write_text("whole")
    assert whole_files(tmp_path) == [tmp_path / "a.txt"]
