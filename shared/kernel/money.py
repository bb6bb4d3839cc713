"""Money is whole đồng: parts add up to their whole, and nothing here ever sees a float."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NewType

from shared.kernel.errors import Rejected

Money = NewType("Money", int)
DONG = Money(1)
MAX_VND = 2**53 - 1  # the largest integer every JSON reader keeps exact
WEIGHTS_MAX = 10_000
WEIGHT_MAX = 10**18  # far above any count of households or square metres

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_SCALES = ("", " nghìn", " triệu")
_GROUP = 1_000
_BILLION = 1_000_000_000


class WeightsInvalid(Rejected):
    """The weights cannot divide a sum: none, too many, negative or all zero."""

    def __init__(self, message: str) -> None:
        super().__init__("weights_invalid", message)


def vnd(value: int) -> Money:
    """The amount as money.

    Bounds: -(2^53-1) to 2^53-1; below zero stands for a recovery or a difference.
    Raises: Rejected amount_out_of_range; TypeError for anything that is not an integer.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no integer; amounts are whole đồng.")
    if abs(value) > MAX_VND:
        raise Rejected(
            "amount_out_of_range",
            f"{grouped(Money(value))} đồng is beyond {grouped(Money(MAX_VND))} đồng, the largest amount "
            "that every reader keeps exact; check for extra zeros or a wrong unit of measure.",
        )
    return Money(value)


def total(amounts: Iterable[Money]) -> Money:
    """The exact sum. Raises: Rejected amount_out_of_range."""
    return vnd(sum(amounts))


def share_out(total: Money, weights: Sequence[int], unit: Money = DONG) -> list[Money]:
    """One part per weight; the parts add up to the total exactly.

    Bounds: 1 to 10,000 weights, each 0 to 10^18, their sum > 0; total >= 0; unit > 0 divides total.
    Rounding: down to the unit; left-over units go to the largest remainders, ties by position.
    Raises: WeightsInvalid.
    """
    _check_weights(weights)
    if total < 0 or unit <= 0 or total % unit:
        raise WeightsInvalid(f"{total} đồng cannot be shared out in whole units of {unit} đồng.")
    units, weight_sum = total // unit, sum(weights)
    shares = [divmod(units * weight, weight_sum) for weight in weights]
    left_over = units - sum(quotient for quotient, _ in shares)
    by_remainder = sorted(range(len(shares)), key=lambda position: (-shares[position][1], position))
    favoured = set(by_remainder[:left_over])
    return [
        Money((quotient + (position in favoured)) * unit) for position, (quotient, _) in enumerate(shares)
    ]


def grouped(amount: Money) -> str:
    """The amount with dots between thousands, as Vietnamese papers print it: 1.466.875.000."""
    return f"{amount:,}".replace(",", ".")


def in_words(amount: Money) -> str:
    """The amount as it is written out at the foot of a Vietnamese decision.

    Source: domain pair 243,240,000,000 = "Hai trăm bốn mươi ba tỷ, hai trăm bốn mươi triệu đồng".
    """
    if amount == 0:
        return "Không đồng"
    billions, rest = divmod(abs(amount), _BILLION)
    parts = [f"{' '.join(_groups(billions))} tỷ"] if billions else []
    parts += _groups(rest, follows=bool(billions))
    sign = "âm " if amount < 0 else ""
    text = f"{sign}{', '.join(parts)} đồng"
    return text[0].upper() + text[1:]


def _check_weights(weights: Sequence[int]) -> None:
    if not 1 <= len(weights) <= WEIGHTS_MAX:
        raise WeightsInvalid(f"There are {len(weights)} weights; 1 to {WEIGHTS_MAX} can share a sum.")
    for position, weight in enumerate(weights):
        if not 0 <= weight <= WEIGHT_MAX:
            raise WeightsInvalid(f"Weight {position + 1} is {weight}; weights are 0 to {WEIGHT_MAX}.")
    if not any(weights):
        raise WeightsInvalid("All weights are zero, so nothing says who gets the money.")


def _groups(number: int, *, follows: bool = False) -> list[str]:
    groups = []
    for power in range(2, -1, -1):
        group = number // _GROUP**power % _GROUP
        if group:
            groups.append(_three_digits(group, full=follows) + _SCALES[power])
        follows = follows or bool(group)
    return groups


def _three_digits(number: int, *, full: bool) -> str:
    hundreds, tens, ones = number // 100, number // 10 % 10, number % 10
    words = [f"{_DIGITS[hundreds]} trăm"] if hundreds or full else []
    if tens == 0 and ones and words:
        words.append(f"linh {_DIGITS[ones]}")
    elif tens == 0 and ones:
        words.append(_DIGITS[ones])
    elif tens:
        words.append(_tens(tens, ones))
    return " ".join(words)


def _tens(tens: int, ones: int) -> str:
    word = "mười" if tens == 1 else f"{_DIGITS[tens]} mươi"
    if ones == 0:
        return word
    if ones == 1 and tens > 1:
        return f"{word} mốt"
    if ones == 5:
        return f"{word} lăm"
    return f"{word} {_DIGITS[ones]}"
