"""Payment-service providers under contract: who they are, how they take lists and answer.

Source: Circular 44/2022/TT-BTC Art. 8 (contract with a provider); the two named here are demonstrations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """How money reaches a person."""

    POST = "post"
    BANK = "bank"


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider; `code` stands in registers, lists and ledger accounts."""

    code: str
    name: str
    channel: Channel


PROVIDERS: Mapping[str, Provider] = {
    "POST-QNA": Provider("POST-QNA", "Bưu điện tỉnh Quảng Nam (minh họa)", Channel.POST),
    "BANK-QNA": Provider("BANK-QNA", "Ngân hàng chi trả Quảng Nam (minh họa)", Channel.BANK),
}


def channels() -> dict[str, str]:
    """The channel of every provider, by its code."""
    return {code: provider.channel.value for code, provider in PROVIDERS.items()}
