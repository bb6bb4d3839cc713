"""Every field of a proof file, each changed by itself in every way one can think of: none of them passes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.audit.log import notes, proofs
from services.audit.log.notes import Checkpoint, Signer
from services.audit.log.proofs import Evidence, Proof
from services.audit.verifier import fundtrail_verify
from services.audit.verifier.fundtrail_verify import NotProven, Unreadable
from shared.kernel import canonical, merkle
from shared.kernel.errors import Rejected

SIGNER, STRANGER = (
    Signer("fundtrail.local/audit", bytes(range(32))),
    Signer("fundtrail.local/audit", bytes(32)),
)
KEY = str(SIGNER.verifier)
SIZE, INDEX, ITEM = 37, 21, 3
ITEMS: list[object] = [{"payment_id": f"P{number}", "amount_vnd": number * 1000} for number in range(9)]
DATA = canonical.encode({"items": ITEMS, "list_id": "L1"})
ENVELOPE: dict[str, Any] = {
    "actor": "officer-1",
    "backdated": False,
    "causation": None,
    "correlation": "c-1",
    "data_sha256": canonical.digest(DATA),
    "epoch": 1,
    "id": "0190f3a0-0000-7000-8000-000000000001",
    "items_root": proofs.items_root(ITEMS).hex(),
    "key": "L1",
    "occurred_at": "2024-08-05T05:00:00+00:00",
    "on_behalf_of": None,
    "position": 22,
    "reason": "chi trả tháng 8",
    "recorded_at": "2024-08-05T05:00:00.000001+00:00",
    "source": "beneficiaries",
    "subjects": ["list:L1"],
    "topic": "events",
    "traceparent": None,
    "type": "vn.fundtrail.payments.instructed.v1",
    "unit": "unit-1",
}


def entry(number: int) -> bytes:
    return canonical.encode({**ENVELOPE, "position": number + 1})


HASHES = merkle.leaf_hashes([entry(number) for number in range(SIZE)])
NOTE = notes.sign_checkpoint(Checkpoint(SIGNER.name, SIZE, merkle.root(HASHES)), SIGNER)
BY_ITEM = Proof(
    INDEX,
    tuple(merkle.inclusion_path(HASHES, INDEX)),
    NOTE,
    Evidence(entry(INDEX), item=proofs.item_evidence(ITEMS, ITEM)),
)
BY_DATA = Proof(INDEX, BY_ITEM.path, NOTE, Evidence(entry(INDEX), data=DATA))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class File:
    """A proof file taken apart; what is put together again says what was changed."""

    def __init__(self, proof: Proof) -> None:
        head, _, self.note = proof.text().partition("\n\n")
        self.header, extra, index, *self.path = head.split("\n")
        self.extra: dict[str, Any] = json.loads(base64.b64decode(extra.removeprefix("extra ")))
        self.index = index.removeprefix("index ")

    def text(self) -> str:
        extra = b64(canonical.encode_plain(self.extra))
        return (
            "\n".join([self.header, f"extra {extra}", f"index {self.index}", *self.path]) + "\n\n" + self.note
        )


def answer_of(text: str, key: str = KEY) -> str:
    """The step that failed, "unreadable", or "proven"; and the service's own verifier says the same."""
    try:
        fundtrail_verify.verify(text, key)
    except NotProven as failure:
        step: str = failure.args[0]
    except Unreadable:
        step = "unreadable"
    else:
        step = "proven"
    assert (step == "proven") == accepted_by_the_service(text, key)
    return step


def accepted_by_the_service(text: str, key: str) -> bool:
    try:
        proofs.verify(Proof.parse(text), notes.VerifierKey.parse(key))
    except Rejected:
        return False
    return True


def test_the_untouched_files_are_proven() -> None:
    for proof in (BY_ITEM, BY_DATA):
        assert File(proof).text() == proof.text()
        assert answer_of(proof.text()) == "proven"


def changed_values(value: object) -> Iterator[object]:
    """Other values in the place of one."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, 0, -value, str(value))
    elif isinstance(value, str):
        yield from (value + " ", value[:-1], value.upper() + "X", "")
    elif isinstance(value, list):
        yield from ([], [*value, "x"], [str(one) + "x" for one in value])
    else:
        yield from ("x", 0, False)
    if value is not None:
        yield None


ENTRY_CASES = [
    (name, number, other)
    for name, value in ENVELOPE.items()
    for number, other in enumerate(changed_values(value))
    if other != ENVELOPE[name] or type(other) is not type(ENVELOPE[name])
]


@pytest.mark.parametrize(
    ("name", "other"),
    [(name, other) for name, _, other in ENTRY_CASES],
    ids=[f"{n}-{i}" for n, i, _ in ENTRY_CASES],
)
def test_no_field_of_the_entry_can_say_something_else(name: str, other: object) -> None:
    for proof in (BY_ITEM, BY_DATA):
        file = File(proof)
        file.extra["entry"] = b64(canonical.encode_plain({**json.loads(entry(INDEX)), name: other}))
        assert answer_of(file.text()) == "entry"


@pytest.mark.parametrize("name", sorted(ENVELOPE))
def test_no_field_of_the_entry_can_be_left_out(name: str) -> None:
    file = File(BY_ITEM)
    shown = json.loads(entry(INDEX))
    del shown[name]
    file.extra["entry"] = b64(canonical.encode_plain(shown))
    assert answer_of(file.text()) == "entry"


def test_no_field_can_be_added_to_the_entry() -> None:
    file = File(BY_ITEM)
    file.extra["entry"] = b64(canonical.encode_plain({**json.loads(entry(INDEX)), "also": "true"}))
    assert answer_of(file.text()) == "entry"


def test_the_same_entry_written_otherwise_is_another_entry() -> None:
    file = File(BY_ITEM)
    file.extra["entry"] = b64(json.dumps(json.loads(entry(INDEX)), indent=1).encode())
    assert answer_of(file.text()) == "entry"


Change = Callable[[File], None]


def set_extra(name: str, value: object) -> Change:
    return lambda file: file.extra.__setitem__(name, value)


def set_path(value: list[str]) -> Change:
    return lambda file: setattr(file, "path", value)


def set_note(note: str) -> Change:
    return lambda file: setattr(file, "note", note)


def drop(name: str) -> Change:
    return lambda file: file.extra.__delitem__(name)


def resigned(
    size: int = SIZE, root: bytes | None = None, signer: Signer = SIGNER, origin: str = SIGNER.name
) -> str:
    checkpoint = Checkpoint(origin, size, merkle.root(HASHES) if root is None else root)
    return notes.sign(checkpoint.text(), [signer])


def lines_of_note(**changes: str) -> str:
    origin, size, root, blank, signature, end = NOTE.split("\n")
    lines = {"origin": origin, "size": size, "root": root, "blank": blank, "signature": signature, "end": end}
    return "\n".join({**lines, **changes}.values())


GOOD_PATH = [b64(part) for part in BY_ITEM.path]
ITEM_PATH = File(BY_ITEM).extra["item_path"]
OF_ITEM: dict[str, tuple[Change, str]] = {
    "another item": (set_extra("item", b64(canonical.encode_plain(ITEMS[4]))), "item"),
    "an item with more money": (
        set_extra("item", b64(canonical.encode({"payment_id": "P3", "amount_vnd": 30_000}))),
        "item",
    ),
    "an item of nothing": (set_extra("item", b64(b"")), "item"),
    "an item that is no base64": (set_extra("item", "???"), "unreadable"),
    "an item that is a number": (set_extra("item", 3), "unreadable"),
    "the item before": (set_extra("item_index", 2), "item"),
    "the item after": (set_extra("item_index", 4), "item"),
    "an item below the first": (set_extra("item_index", -1), "item"),
    "an item beyond the last": (set_extra("item_index", 9), "item"),
    "a place that is a text": (set_extra("item_index", "3"), "unreadable"),
    "a place that is a truth": (set_extra("item_index", bool(1)), "unreadable"),
    "no place": (drop("item_index"), "unreadable"),
    "fewer items": (set_extra("item_count", 8), "item"),
    "many more items": (set_extra("item_count", 400), "item"),
    "no items": (set_extra("item_count", 0), "item"),
    "no count": (drop("item_count"), "unreadable"),
    "a count that is a fraction": (set_extra("item_count", "9.0"), "unreadable"),
    "no path of the item": (drop("item_path"), "unreadable"),
    "an empty path of the item": (set_extra("item_path", []), "item"),
    "a shorter path of the item": (set_extra("item_path", ITEM_PATH[:-1]), "item"),
    "a longer path of the item": (set_extra("item_path", [*ITEM_PATH, b64(bytes(32))]), "item"),
    "a turned path of the item": (set_extra("item_path", ITEM_PATH[::-1]), "item"),
    "a path of the item with a short hash": (set_extra("item_path", [b64(b"x"), *ITEM_PATH[1:]]), "item"),
    "a path of the item that is a text": (set_extra("item_path", "x"), "unreadable"),
    "a field that nobody knows": (set_extra("also", 1), "unreadable"),
    "data beside the item that is not the event's": (set_extra("data", b64(b"{}")), "data"),
    "no entry": (drop("entry"), "unreadable"),
    "an entry that is null": (set_extra("entry", None), "unreadable"),
    "an entry that is a node": (set_extra("entry", b64(b"\x01" + HASHES[20] + HASHES[21])), "entry"),
    "the entry before": (set_extra("entry", b64(entry(INDEX - 1))), "entry"),
    "the number before": (lambda file: setattr(file, "index", str(INDEX - 1)), "entry"),
    "the number after": (lambda file: setattr(file, "index", str(INDEX + 1)), "entry"),
    "a number beyond the log": (lambda file: setattr(file, "index", str(SIZE)), "entry"),
    "a number below the first": (lambda file: setattr(file, "index", "-1"), "unreadable"),
    "a number with a nought before it": (lambda file: setattr(file, "index", "021"), "unreadable"),
    "a number with a plus": (lambda file: setattr(file, "index", "+21"), "unreadable"),
    "a number in other digits": (lambda file: setattr(file, "index", "٢١"), "unreadable"),
    "an empty path": (set_path([]), "entry"),
    "a shorter path": (set_path(GOOD_PATH[:-1]), "entry"),
    "a longer path": (set_path([*GOOD_PATH, b64(bytes(32))]), "entry"),
    "a turned path": (set_path(GOOD_PATH[::-1]), "entry"),
    "a path with a hash twice": (set_path([GOOD_PATH[0], *GOOD_PATH[:-1]]), "entry"),
    "a path with a hash of zeros": (set_path([b64(bytes(32)), *GOOD_PATH[1:]]), "entry"),
    "a path with a short hash": (set_path([b64(bytes(31)), *GOOD_PATH[1:]]), "entry"),
    "a path with letters": (set_path(["letters!", *GOOD_PATH[1:]]), "unreadable"),
    "another header": (lambda file: setattr(file, "header", "c2sp.org/tlog-proof@v2"), "unreadable"),
    "no header": (lambda file: setattr(file, "header", ""), "unreadable"),
    "a log of another size": (set_note(lines_of_note(size="38")), "checkpoint"),
    "a log of another root": (set_note(lines_of_note(root=b64(bytes(32)))), "checkpoint"),
    "a log of another name": (set_note(lines_of_note(origin="evil.example/log")), "checkpoint"),
    "a line more in the checkpoint": (
        set_note(lines_of_note(root=b64(merkle.root(HASHES)) + "\nmore")),
        "checkpoint",
    ),
    "a signature of a stranger": (set_note(resigned(signer=STRANGER)), "checkpoint"),
    "a signature of zeros": (
        set_note(lines_of_note(signature=f"— {SIGNER.name} {b64(SIGNER.verifier.key_id + bytes(64))}")),
        "checkpoint",
    ),
    "our signature under another name": (
        set_note(NOTE.replace(f"— {SIGNER.name}", "— evil.example/log")),
        "checkpoint",
    ),
    "a smaller log that we signed": (set_note(resigned(20, merkle.root(HASHES[:20]))), "entry"),
    "a log of the same size with another root that we signed": (set_note(resigned(root=bytes(32))), "entry"),
    "a log of another name that we signed": (set_note(resigned(origin="evil.example/log")), "checkpoint"),
}
OF_DATA: dict[str, tuple[Change, str]] = {
    "other data": (set_extra("data", b64(DATA + b" ")), "data"),
    "no data but a place for it": (set_extra("data", b64(b"")), "data"),
    "data that is no base64": (set_extra("data", "???"), "unreadable"),
    "data that is null": (set_extra("data", None), "unreadable"),
    "the same data written otherwise": (
        set_extra("data", b64(json.dumps(json.loads(DATA), indent=1).encode())),
        "data",
    ),
    "an item without its path": (set_extra("item", b64(canonical.encode_plain(ITEMS[0]))), "unreadable"),
}


@pytest.mark.parametrize("kind", OF_ITEM)
def test_a_proof_of_an_item_changed_in_one_place_fails_at_that_step(kind: str) -> None:
    change, step = OF_ITEM[kind]
    file = File(BY_ITEM)
    change(file)
    assert answer_of(file.text()) == step


@pytest.mark.parametrize("kind", OF_DATA)
def test_a_proof_with_data_changed_in_one_place_fails_at_that_step(kind: str) -> None:
    change, step = OF_DATA[kind]
    file = File(BY_DATA)
    change(file)
    assert answer_of(file.text()) == step


@pytest.mark.parametrize("item", range(len(ITEMS)))
def test_every_item_is_proven_at_its_own_place_and_at_no_other(item: int) -> None:
    evidence = proofs.item_evidence(ITEMS, item)
    file = File(Proof(INDEX, BY_ITEM.path, NOTE, Evidence(entry(INDEX), item=evidence)))
    assert answer_of(file.text()) == "proven"
    for other in set(range(len(ITEMS))) - {item}:
        file.extra["item_index"] = other
        assert answer_of(file.text()) == "item"


@settings(max_examples=300)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["item", "data"]),
    st.characters(min_codepoint=32, max_codepoint=126),
)
def test_no_letter_of_a_file_can_be_another(place: int, kind: str, letter: str) -> None:
    text = (BY_ITEM if kind == "item" else BY_DATA).text()
    at = place % len(text)
    if text[at] != letter:
        assert answer_of(text[:at] + letter + text[at + 1 :]) != "proven"


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.integers(1, 40), st.sampled_from(["cut", "double", "move"]))
@example(162_950, 28, "double")  # a field of the extra line said twice, the first time with something else
def test_no_piece_of_a_file_can_be_cut_doubled_or_moved(place: int, length: int, deed: str) -> None:
    text = BY_ITEM.text()
    at = place % (len(text) - length)
    piece, rest = text[at : at + length], text[:at] + text[at + length :]
    made = {
        "cut": rest,
        "double": text[: at + length] + piece + text[at + length :],
        "move": rest[: at // 2] + piece + rest[at // 2 :],
    }[deed]
    if made != text:
        assert answer_of(made) != "proven"


@pytest.mark.parametrize(
    "key",
    [
        str(STRANGER.verifier),
        str(Signer("another.example/log", bytes(range(32))).verifier),
        KEY.replace("audit", "audit2"),
        KEY[:-4] + "AAA=",
        KEY.split("+", 1)[1],
        "",
    ],
    ids=["a stranger's", "another name", "a name mistyped", "a key mistyped", "no name", "nothing"],
)
def test_under_any_other_key_nothing_is_proven(key: str) -> None:
    for proof in (BY_ITEM, BY_DATA):
        with pytest.raises((NotProven, Unreadable)):
            fundtrail_verify.verify(proof.text(), key)
