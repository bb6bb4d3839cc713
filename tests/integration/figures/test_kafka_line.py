"""The line to a real Kafka, whose broker is known by no other address: relay and consumer lose nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from deploy.local.kafka import answers, ensure_library, find_tools, library_folder, prepare_kafka
from deploy.local.keeper import free_port
from deploy.local.provisioning import Addresses
from deploy.local.spawn import spawn, stop
from shared.testing.waiting import wait_until
from tests.conftest import kafka_is_required
from tests.integration.figures.line import AT_ONCE, FAR_AWAY, NARROW, Line, Pace
from tests.integration.figures.pair import Pair
from tests.integration.figures.stories import cut_again_and_again

TURNS = 4
A_TURN = 25
EVENTS = TURNS * A_TURN
LONG_S = 60.0

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """The only line to a broker: it tells its clients to call there, wherever they first called."""
    tools = find_tools(os.environ)
    if isinstance(tools, str):
        if kafka_is_required():
            pytest.fail(tools)
        pytest.skip(f"Apache Kafka is not here: {tools}")
    folder = tmp_path_factory.mktemp("lined")
    ports = (free_port(), free_port())
    line = Line(ports[0])
    library = ensure_library(library_folder(os.environ), tools, print)
    program = prepare_kafka(folder, ports, library, tools, folder / "kafka.log")
    settings = folder / "kafka" / "server.properties"
    here, through = (f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n" for port in (ports[0], line.port))
    assert here in settings.read_text()
    settings.write_text(settings.read_text().replace(here, through))
    process = spawn(program)
    try:
        wait_until(lambda: answers(line.port), 90, "the broker")
        yield line
    finally:
        line.close()
        stop(process, signal.SIGTERM, 30)


@pytest.fixture
def lined(broker: Line, database: Callable[[str], Addresses]) -> Iterator[tuple[Pair, Line]]:
    """A pair of services on either side of the line."""
    pair = Pair(database("portal"), database("beneficiaries"), f"kafka://127.0.0.1:{broker.port}")
    yield pair, broker
    broker.go_on()
    broker.mend()
    broker.slow_down(AT_ONCE)
    pair.close()


def test_a_line_that_is_cut_again_and_again_loses_nothing(lined: tuple[Pair, Line]) -> None:
    cut_again_and_again(*lined, TURNS, A_TURN)


@pytest.mark.full
def test_a_line_that_breaks_off_in_mid_message_loses_nothing(lined: tuple[Pair, Line]) -> None:
    pair, line = lined
    pair.start()
    pair.tell(0, 5)
    pair.wait_for(5)
    before = line.breaks
    for turn in range(TURNS):
        line.break_off_after(300 + 900 * turn)
        pair.tell(5 + turn * 20, 5 + (turn + 1) * 20)
        wait_until(lambda turn=turn: line.breaks > before + turn, LONG_S, "a broken message")
    pair.wait_for(5 + TURNS * 20)
    pair.ensure_each_once_and_in_order(5 + TURNS * 20)


@pytest.mark.full
def test_a_line_that_stands_still_for_a_while_only_delays(lined: tuple[Pair, Line]) -> None:
    pair, line = lined
    pair.start()
    for turn in range(TURNS):
        pair.tell(turn * A_TURN, turn * A_TURN + 5)
        pair.wait_for(turn * A_TURN + 5)
        line.stand_still()
        pair.tell(turn * A_TURN + 5, (turn + 1) * A_TURN)
        assert len(pair.heard()) < (turn + 1) * A_TURN, "the line stands still, and yet everything arrived"
        line.go_on()
    pair.wait_for(EVENTS)
    pair.ensure_each_once_and_in_order(EVENTS)


@pytest.mark.full
def test_a_line_that_stands_still_until_clients_give_up_loses_nothing(lined: tuple[Pair, Line]) -> None:
    pair, line = lined
    pair.start()
    pair.tell(0, 20)
    pair.wait_for(20)
    calls = line.calls
    line.stand_still()
    pair.tell(20, EVENTS)
    wait_until(lambda: line.calls > calls + 1, LONG_S, "somebody who calls again")
    line.go_on()
    pair.wait_for(EVENTS)
    pair.ensure_each_once_and_in_order(EVENTS)


@pytest.mark.full
@pytest.mark.parametrize("pace", [FAR_AWAY, NARROW], ids=["far away", "narrow"])
def test_a_slow_line_only_delays(lined: tuple[Pair, Line], pace: Pace) -> None:
    pair, line = lined
    pair.start()
    pair.tell(0, 5)
    pair.wait_for(5)
    line.slow_down(pace)
    pair.tell(5, EVENTS)
    pair.wait_for(EVENTS)
    pair.ensure_each_once_and_in_order(EVENTS)
