"""Verify a Fundtrail proof file offline, with nothing but the log's public key.

This file stands alone on purpose: read it, copy it to a machine you trust, run it there. It needs Python 3.11
and the `cryptography` package, opens no connection and believes nothing that it has not recomputed.

    python fundtrail_verify.py payment.proof --key log.vkey

It checks four steps and names the first that fails:
1. checkpoint: the Ed25519 signature over (origin, size, root) by a key you gave, up to the size behind it;
2. entry: hashing the entry upward with the proof's hashes gives exactly that root (RFC 6962);
3. data: where the whole event is shown, its SHA-256 is the one that the entry commits to;
4. item: where one item of a bulk event is shown, hashing it upward gives the entry's items_root.

Exit status: 0 proven, 1 not proven, 2 a file cannot be read or is no proof or no key.
Formats: c2sp.org/tlog-proof@v1, c2sp.org/signed-note@v1.0.0, c2sp.org/tlog-checkpoint@v1.0.0.
"""

import argparse
import base64
import json
import re
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FILE_BYTES_MAX = 4 * 1024 * 1024
SIZE_MAX = "9" * 19  # no tree is larger
EXTRA_KEYS = {"entry", "data", "item", "item_index", "item_count", "item_path"}
SHOWN = ("source", "epoch", "position", "type", "key", "actor", "unit", "occurred_at", "recorded_at")
Keys = dict[tuple[str, bytes], tuple[bytes, int]]  # (name, id) -> (Ed25519 key, last size)


class NotProven(Exception):
    """A step of the proof that does not hold."""


class Unreadable(Exception):
    """A file that is no proof file or no key."""


def main(arguments: list[str] | None = None) -> int:
    """Exit status of verifying one proof file, after saying on the terminal what was found."""
    parser = argparse.ArgumentParser(description="Verify a Fundtrail proof file offline.")
    parser.add_argument("proof", help="the proof file")
    parser.add_argument("--key", required=True, action="append", help="a verifier key, or a file of them")
    options = parser.parse_args(arguments)
    try:
        keys = [key if key.count("+") >= 2 else read_text(key).strip() for key in options.key]
        report = verify(read_text(options.proof), "\n".join(keys))
    except NotProven as failure:
        print("NOT PROVEN - step '{}': {}".format(*failure.args))  # noqa: T201 - the terminal is where the answer goes
        return 1
    except (Unreadable, OSError, UnicodeDecodeError) as failure:
        print(f"UNREADABLE - {failure}", file=sys.stderr)  # noqa: T201 - as above
        return 2
    print("PROVEN\n" + "\n".join(report))  # noqa: T201 - as above
    return 0


def verify(proof_text: str, key_text: str) -> list[str]:
    """What the proof shows, in plain words, by keys of one a line; raises NotProven or Unreadable."""
    keys = dict(parse_key(line) for line in key_text.strip().split("\n"))
    extra, index, path, note = parse_proof(proof_text)
    name, size, root, by = check_signature(note, keys)
    entry = decode(extra.get("entry"), "the entry")
    if climb(entry, index, size, path, "entry") != root:
        raise NotProven("entry", "its path does not lead to the signed root; entry or path was altered")
    envelope = json_object(entry, "the entry")
    report = [f"log         {name}, signed at {size} entries by key {by}", f"entry       number {index}"]
    report += [f"{field:<11} {envelope[field]}" for field in SHOWN if envelope.get(field) is not None]
    return report + check_data(extra, envelope) + check_item(extra, envelope)


def check_signature(note: str, keys: Keys) -> tuple[str, int, bytes, str]:
    """Name, tree size and root that the log has signed, and the ids of the keys that did (step 1)."""
    text, _, lines = note.rpartition("\n\n")
    text += "\n"  # the signature covers the text with its last newline, not the blank line
    origin, size, root = [*text.split("\n"), "", ""][:3]
    by = set()
    for line in lines.split("\n"):
        dash, _, named = line.partition(" ")
        signer, _, encoded = named.partition(" ")
        signature = decode(encoded, "a signature") if dash == "—" else b""
        public, last_size = keys.get((signer, signature[:4]), (b"", 0))
        if signer != origin or not public:
            continue  # another key's signature, a witness for example
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], text.encode())
        except InvalidSignature:
            raise NotProven("checkpoint", "signature and text do not match; one was altered") from None
        by |= {signature[:4].hex()} if decimal(size, "the tree size") <= last_size else set()
    if not by:
        raise NotProven("checkpoint", "it carries no signature by the key that you gave, or one past its end")
    return origin, decimal(size, "the tree size"), decode(root, "the root"), " and ".join(sorted(by))


def check_data(extra: dict[str, Any], envelope: dict[str, Any]) -> list[str]:
    """The event's data, if the proof shows it and the entry commits to it (step 3)."""
    if "data" not in extra:
        return []
    data = decode(extra["data"], "the data")
    if sha256(data).hexdigest() != envelope.get("data_sha256"):
        raise NotProven("data", "its SHA-256 is not the one in the entry; the data was altered")
    return [f"data        {data.decode(errors='replace')}"]


def check_item(extra: dict[str, Any], envelope: dict[str, Any]) -> list[str]:
    """The one item of a bulk event, if the proof shows it and it belongs to the entry (step 4)."""
    if "item" not in extra:
        return []
    item, index, count, path = (extra.get(f) for f in ("item", "item_index", "item_count", "item_path"))
    if type(index) is not int or type(count) is not int or not isinstance(path, list):
        raise Unreadable("item_index, item_count or item_path is missing in the extra line")
    shown = decode(item, "the item")
    hashes = [decode(part, "a hash of the item's path") for part in path]
    if climb(shown, index, count, hashes, "item").hex() != envelope.get("items_root"):
        raise NotProven("item", "its path does not lead to the entry's items_root; item or path was altered")
    # The entry commits to the items, not to how many there are; so the item's number is not claimed.
    return [f"item        {shown.decode(errors='replace')}"]


def climb(leaf: bytes, index: int, size: int, path: list[bytes], step: str) -> bytes:
    """The root that a leaf and its path lead to (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise NotProven(step, f"number {index} does not exist among {size}")
    inner = (index ^ (size - 1)).bit_length()
    if len(path) != inner + (index >> inner).bit_count() or any(len(part) != 32 for part in path):
        raise NotProven(step, "its path does not have the length that its number and the size demand")
    folded = sha256(b"\x00" + leaf).digest()  # 0 for leaves, 1 for nodes: neither can pose as the other
    for height, sibling in enumerate(path):
        on_the_left = height >= inner or index >> height & 1
        folded = sha256(b"\x01" + (sibling + folded if on_the_left else folded + sibling)).digest()
    return folded


def parse_proof(text: str) -> tuple[dict[str, Any], int, list[bytes], str]:
    """The extra line's object, the index, the path and the signed checkpoint of a proof file."""
    head, _, note = text.partition("\n\n")
    parts = re.fullmatch(r"c2sp\.org/tlog-proof@v1\nextra (\S+)\nindex (\d+)((?:\n\S+)*)", head)
    if not parts:
        raise Unreadable("this is no proof file: it does not begin as c2sp.org/tlog-proof@v1 says")
    hashes = [decode(part, "a hash of the path") for part in parts[3].split("\n")[1:]]
    shown = json_object(decode(parts[1], "the extra line"), "the extra line")
    if not shown.keys() <= EXTRA_KEYS:
        raise Unreadable("the extra line holds what this verifier does not know; it may be too old")
    return shown, decimal(parts[2], "the index"), hashes, note


def parse_key(text: str) -> tuple[tuple[str, bytes], tuple[bytes, int]]:
    """(name, id) and (Ed25519 key, last size) of a line `name+id+base64`, behind which the size may stand."""
    text, _, last_size = text.strip().partition(" ")
    name, given_id, encoded = [*text.split("+", 2), "", ""][:3]
    raw = decode(encoded, "the verifier key")
    key_id = sha256(name.encode() + b"\n" + raw).digest()[:4]  # by which a signature line names its key
    if raw[:1] != b"\x01" or len(raw) != 33 or given_id != key_id.hex():
        raise Unreadable("the key is no Ed25519 verifier key, or was mistyped: its id does not match")
    return (name, key_id), (raw[1:], decimal(last_size or SIZE_MAX, "the last size of a key"))


def decode(value: object, what: str) -> bytes:
    """The bytes of a base64 text."""
    try:
        data = base64.b64decode(str(value), validate=True)
    except ValueError:
        data = b""
    if base64.b64encode(data).decode() != value:  # only one spelling of each value is accepted
        raise Unreadable(f"{what} is not base64")
    return data


def decimal(text: str, what: str) -> int:
    """The number that plain decimal digits without leading zeros stand for."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and str(int(text)) == text):
        raise Unreadable(f"{what} is no plain number")
    return int(text)


def json_object(data: bytes, what: str) -> dict[str, Any]:
    """The JSON object of some bytes in its canonical form, which says nothing twice (RFC 8785)."""
    with suppress(ValueError, TypeError, RecursionError):
        found = dict(json.loads(data))
        if json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == data:
            return found
    raise Unreadable(f"{what} is no JSON object in canonical form")


def read_text(path: str) -> str:
    """The text of a file of sensible size."""
    if Path(path).stat().st_size > FILE_BYTES_MAX:
        raise Unreadable(f"{path} is larger than any proof or key")
    return Path(path).read_bytes().decode()


if __name__ == "__main__":
    sys.exit(main())
