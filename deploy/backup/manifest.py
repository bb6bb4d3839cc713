"""What a backup consists of: each file with its size and digest, sealed by whoever has the backup key."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.backup.sealing import derived
from shared.kernel.errors import Rejected

FILE = "manifest.json"
FORMAT = 1
SEAL = "seal"
PURPOSE = b"fundtrail-manifest-1\n"
READ_BYTES = 1 << 20
DATABASES = "databases"
BASE = "base"


@dataclass(frozen=True, slots=True)
class Piece:
    """One sealed file: what it holds, and, of a database, how far its journal had come."""

    file: str
    holds: str
    size_bytes: int
    sha256: str
    journal_rows: int | None = None
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup."""

    kind: str
    made_at: datetime
    server: str
    pieces: tuple[Piece, ...]

    def piece(self, holds: str) -> Piece:
        """The piece that holds something.

        Raises: Rejected backup_incomplete where the backup has none.
        """
        for piece in self.pieces:
            if piece.holds == holds:
                return piece
        raise Rejected(
            "backup_incomplete",
            f"The backup of {self.made_at:%Y-%m-%d %H:%M:%S} UTC holds no {holds}, only "
            f"{', '.join(piece.holds for piece in self.pieces)}. `fundtrail backup --list` names others.",
        )


def write(folder: Path, manifest: Manifest, key: bytes) -> None:
    """The folder has the manifest, sealed."""
    content = {"format": FORMAT, **asdict(manifest), "made_at": manifest.made_at.isoformat()}
    content["pieces"] = [asdict(piece) for piece in manifest.pieces]
    text = json.dumps({**content, SEAL: _seal(content, key)}, indent=1)
    (folder / FILE).write_text(text + "\n")


def read(folder: Path, key: bytes) -> Manifest:
    """The manifest of a backup.

    Raises: Rejected backup_unsealed where there is none that this key has sealed.
    """
    try:
        content: dict[str, Any] = json.loads((folder / FILE).read_text())
        seal = content.pop(SEAL)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Rejected(
            "backup_unsealed", f"{folder} has no readable {FILE}: it is no backup, or a broken one."
        ) from error
    if not hmac.compare_digest(str(seal).encode(), _seal(content, key).encode()):
        raise Rejected(
            "backup_unsealed",
            f"{folder / FILE} was not sealed with this backup key: it was altered, or made under "
            "another key. Bring the key it was made with back to keys/backup.key, or choose another backup.",
        )
    pieces = tuple(Piece(**piece) for piece in content["pieces"])
    return Manifest(content["kind"], datetime.fromisoformat(content["made_at"]), content["server"], pieces)


def ensure_present(folder: Path, manifest: Manifest) -> None:
    """Every file is there in its full size. Raises: Rejected backup_damaged."""
    for piece in manifest.pieces:
        path = folder / piece.file
        found = path.stat().st_size if path.is_file() else None
        if found != piece.size_bytes:
            raise Rejected(
                "backup_damaged",
                f"{path} {'is missing' if found is None else f'has {found} bytes'}; {piece.size_bytes} bytes "
                "were written. Bring it back from a copy, or use another backup.",
            )


def ensure_whole(folder: Path, manifest: Manifest) -> None:
    """Every file is what was written, byte for byte. Raises: Rejected backup_damaged."""
    ensure_present(folder, manifest)
    for piece in manifest.pieces:
        if _digest(folder / piece.file) != piece.sha256:
            raise Rejected(
                "backup_damaged",
                f"{folder / piece.file} is not what was written: its SHA-256 differs from the manifest. "
                "Bring it back from a copy, or use another backup.",
            )


def _seal(content: dict[str, Any], key: bytes) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hmac.new(derived(key, b"", PURPOSE), text.encode(), hashlib.sha256).hexdigest()


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
