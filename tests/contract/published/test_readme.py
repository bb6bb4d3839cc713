"""The consumer that the README shows does what it says, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from shared.testing.waiting import wait_until

if TYPE_CHECKING:
    from tests.contract.conftest import Sent

README = Path(__file__).parents[3] / "README.md"
SECTION = re.compile(r"^## Consuming payment events$.*?^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINES_MAX = 30
PATIENCE_S = 60


def shown() -> str:
    """The program in the README."""
    (found,) = SECTION.findall(README.read_text(encoding="utf-8"))
    return str(found)


def test_the_consumer_shown_is_short() -> None:
    assert len(shown().splitlines()) <= LINES_MAX


@pytest.mark.kafka
def test_the_consumer_shown_books_every_payment_once(sent_payments: Sent, tmp_path: Path) -> None:
    (tmp_path / "consumer.py").write_text(shown(), encoding="utf-8")
    expected = [
        f"{kind} {item['payment_id']} {item['amount_vnd']}"
        for kind in ("settled", "returned", "returned_late")
        for told in sent_payments.of(kind)
        for item in told["items"]
    ]
    assert len(expected) >= 3
    with Reader(tmp_path, sent_payments.servers) as reader:
        reader.wait_for(len(expected))
        sent_payments.send_again()
        later = [f"settled {payment} 7" for payment in sent_payments.send_from_the_future()]
        reader.wait_for(len(expected) + len(later))
    assert sorted(reader.said) == sorted([*expected, *later])


class Reader:
    """The program at work, and what it has printed."""

    def __init__(self, folder: Path, servers: str) -> None:
        self._folder = folder
        self._environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": servers}
        self.said: list[str] = []

    def __enter__(self) -> Self:
        self._errors = (self._folder / "errors.txt").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "consumer.py"],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)
        self._listener.join(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def wait_for(self, count: int) -> None:
        """Nothing, once so many lines were printed. Fails at once where the program ended."""
        wait_until(
            lambda: len(self.said) >= count or self._process.poll() is not None,
            PATIENCE_S,
            f"{count} lines ({self.said})",
        )
        assert self._process.poll() is None, (self._folder / "errors.txt").read_text()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self.said.append(line.rstrip())
