import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.sealing import PREFIX, SealBroken, Sealer, WrappedKey, is_sealed

SEALER = Sealer(bytes(range(32)))
OTHER = Sealer(bytes(32))
PLACE = "persons/0190/full_name"


@given(st.text(max_size=200))
def test_opens_what_it_sealed(value: str) -> None:
    key = SEALER.new_key()
    sealed = SEALER.seal(key, value, PLACE)
    assert sealed.startswith(PREFIX)
    assert is_sealed(sealed)
    assert SEALER.open(key, sealed, PLACE) == value


def test_the_same_value_never_seals_alike() -> None:
    key = SEALER.new_key()
    assert SEALER.seal(key, "Nguyễn Văn A", PLACE) != SEALER.seal(key, "Nguyễn Văn A", PLACE)


def test_a_value_moved_to_another_place_does_not_open() -> None:
    key = SEALER.new_key()
    with pytest.raises(SealBroken):
        SEALER.open(key, SEALER.seal(key, "049012345678", PLACE), "persons/0191/full_name")


def test_the_key_of_another_person_does_not_open() -> None:
    sealed = SEALER.seal(SEALER.new_key(), "049012345678", PLACE)
    with pytest.raises(SealBroken):
        SEALER.open(SEALER.new_key(), sealed, PLACE)


def test_another_master_key_does_not_open() -> None:
    key = SEALER.new_key()
    with pytest.raises(SealBroken) as caught:
        OTHER.open(key, SEALER.seal(key, "x", PLACE), PLACE)
    assert caught.value.code == "seal_broken"


def test_a_rewrapped_key_opens_under_the_new_master_key_only() -> None:
    key = SEALER.new_key()
    sealed = SEALER.seal(key, "Trần Thị B", PLACE)
    moved = SEALER.rewrap(key, OTHER)
    assert OTHER.open(moved, sealed, PLACE) == "Trần Thị B"
    with pytest.raises(SealBroken):
        SEALER.open(moved, sealed, PLACE)


@given(st.integers(0, 60), st.integers(1, 255))
def test_an_altered_byte_does_not_open(position: int, change: int) -> None:
    key = bytearray(SEALER.new_key())
    sealed = SEALER.seal(WrappedKey(bytes(key)), "x", PLACE)
    key[position % len(key)] ^= change
    with pytest.raises(SealBroken):
        SEALER.open(WrappedKey(bytes(key)), sealed, PLACE)


@pytest.mark.parametrize("sealed", ["plain", "sealed:v1:", "sealed:v1:%%%", "sealed:v1:AAAA", "sealed:v2:AA"])
def test_damaged_text_is_refused(sealed: str) -> None:
    with pytest.raises(SealBroken):
        SEALER.open(SEALER.new_key(), sealed, PLACE)


def test_a_short_wrapped_key_is_refused() -> None:
    with pytest.raises(SealBroken):
        SEALER.seal(WrappedKey(b"short"), "x", PLACE)


def test_a_master_key_has_thirty_two_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(b"short")
