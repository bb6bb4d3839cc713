from __future__ import annotations

import pytest

from deploy.local.ports import API_OFFSETS, BLOCK, Ports, choose_ports
from deploy.local.spawn import CannotStart


def test_every_part_of_an_instance_has_a_port_of_its_own_within_the_block() -> None:
    ports = Ports(8700).all()
    assert len(ports) == len(set(ports))
    assert min(ports) >= 8700
    assert max(ports) < 8700 + BLOCK


def test_the_portal_has_the_first_port_and_workers_stand_twenty_above_their_apis() -> None:
    ports = Ports(8700)
    assert ports.of_service("portal") == 8700
    assert [ports.of_service(name, "worker") - ports.of_service(name) for name in API_OFFSETS] == [20] * 5
    assert (ports.of("postgres"), ports.of("kafka"), ports.of("smtp"), ports.of("sms")) == (
        8790,
        8792,
        8795,
        8796,
    )


@pytest.mark.parametrize("given", ["eighty", "80", "70000", "-1", "65500"])
def test_a_base_that_is_no_usable_port_is_refused(given: str) -> None:
    with pytest.raises(CannotStart, match=f"FUNDTRAIL_PORT_BASE={given}"):
        choose_ports({"FUNDTRAIL_PORT_BASE": given})
