"""What operators do to a journal: facts for the trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class EpochBegun:
    """After a restore, the journal goes on under a new epoch; later rows of the old one are lost to it."""

    TYPE: ClassVar[str] = "vn.fundtrail.journal.epoch_begun.v1"
    KEY: ClassVar[str] = "epoch"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    epoch: int
    first_position: int
