from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.beneficiaries.months import FIRST, LAST, parse_month
from shared.kernel.errors import Rejected
from shared.kernel.periods import Period


@given(st.integers(0, 9999), st.integers(1, 12))
def test_a_month_in_an_address_lies_in_the_time_of_the_law(year: int, number: int) -> None:
    period = Period(year, number)
    if FIRST <= period <= LAST:
        assert parse_month(str(period)) == period
    else:
        with pytest.raises(Rejected, match="period_invalid"):
            parse_month(str(period))


@pytest.mark.parametrize("text", ["", "2024", "2024-13", "2024-0", "24-08", "2024-08-01", "２０２４-08", "x"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="period_invalid"):
        parse_month(text)
