from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from deploy.local.commands import Relay, split_commands


def printed(*chunks: bytes, finish: bool = True) -> str:
    out = io.StringIO()
    relay = Relay(out)
    for chunk in chunks:
        relay.feed(chunk)
    if finish:
        relay.finish()
    return out.getvalue()


def test_ordinary_lines_pass_at_once() -> None:
    assert printed(b"one\ntw", b"o\n", finish=False) == "one\ntwo\n"


def test_a_result_is_kept_until_the_end() -> None:
    assert printed(b'{"a":1}\nafter\n', finish=False) == "after\n"
    assert printed(b'{"a":1}\nafter\n') == 'after\n{"a":1}\n'


def test_only_the_newest_result_is_kept_back() -> None:
    assert printed(b'{"a":1}\n{"a":2}\nx\n') == '{"a":1}\nx\n{"a":2}\n'


def test_a_last_line_without_an_end_is_printed() -> None:
    assert printed(b"half") == "half\n"
    assert printed(b'x\n{"a":1}') == 'x\n{"a":1}\n'


def test_finishing_twice_prints_the_result_once() -> None:
    out = io.StringIO()
    relay = Relay(out)
    relay.feed(b"{}\n")
    relay.finish()
    relay.finish()
    assert out.getvalue() == "{}\n"


@given(st.lists(st.text("ab{} ", max_size=6), max_size=8), st.integers(1, 5))
def test_every_line_is_printed_exactly_once_however_it_is_cut(lines: list[str], size: int) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    assert sorted(printed(*chunks).splitlines()) == sorted(lines)


def test_commands_are_split_at_two_dashes() -> None:
    assert split_commands(["--", "a", "b", "--", "c", "--"]) == [["a", "b"], ["c"]]
    assert split_commands([]) == []
