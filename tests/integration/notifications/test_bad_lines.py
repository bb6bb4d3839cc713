"""The lines to mail server, gateway and portal are cut, stand still, break off, are slow: all are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.notifications.deliveries import gateways
from services.notifications.deliveries.gateways import Contacts, MailServer, SmsGateway
from services.notifications.deliveries.sender import Sender
from tests.integration.figures.line import FAR_AWAY, NARROW, Line, Pace
from tests.integration.notifications.conftest import Desk, officer
from tests.integration.notifications.test_telling import APPROVED

PERSONS = 2
SHORT_S = 0.2
ROUNDS_MAX = 8

Trouble = Callable[[Line], None]


def ports(desk: Desk) -> dict[str, int]:
    return {
        "mail": desk.sender._mail.port,
        "gateway": desk.gateway.server.server_port,
        "portal": desk.portal.stranger.server.server_port,
    }


@pytest.fixture(params=["mail", "gateway", "portal"])
def line(desk: Desk, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Line]:
    """The sender's only line to one of those it calls."""
    to = ports(desk)
    made = Line(to[request.param])
    to[request.param] = made.port
    desk.sender = Sender(
        desk.unit_of_work,
        Contacts(f"http://127.0.0.1:{to['portal']}", tmp_path / "account.json"),
        MailServer("127.0.0.1", to["mail"]),
        SmsGateway(f"http://127.0.0.1:{to['gateway']}/messages"),
    )
    yield made
    made.close()


def ensure_sent_means_arrived(desk: Desk) -> None:
    """Nothing is shown as sent that did not arrive."""
    mails = {str(mail["Message-ID"]) for mail in desk.mailbox.mails}
    texts = {body["id"] for _, _, body in desk.gateway.received}
    for row in desk.rows("SELECT id, channel FROM deliveries WHERE channel <> 'in_app' AND state = 'sent'"):
        assert f"<{row.id}@fundtrail>" in mails if row.channel == "email" else str(row.id) in texts


def round_of(desk: Desk) -> None:
    """What is due is tried once; the next round comes after every pause between attempts."""
    desk.sender.address()
    desk.sender.send()
    ensure_sent_means_arrived(desk)
    desk.clock.advance(timedelta(minutes=11))


def waiting(desk: Desk) -> int:
    addressed = "SELECT count(*) FROM messages WHERE state = 'pending'"
    queued = "SELECT count(*) FROM deliveries WHERE state = 'queued'"
    return sum(desk.rows(query)[0].count for query in (addressed, queued))


def tell(desk: Desk) -> None:
    desk.portal.people = [officer(f"officer-{number}") for number in range(PERSONS)]
    desk.hand("decisions.approved", APPROVED)


def ensure_all_are_told(desk: Desk) -> None:
    for _ in range(ROUNDS_MAX):
        round_of(desk)
        if not waiting(desk):
            break
    told = [state for channel, state in desk.states() if channel != "in_app"]
    assert told == ["sent"] * (2 * PERSONS)


@pytest.mark.parametrize("trouble", [Line.cut, Line.stand_still], ids=["cut", "standing still"])
def test_who_cannot_be_reached_for_a_while_is_told_later(
    desk: Desk, line: Line, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateways, "TIMEOUT_S", SHORT_S)
    tell(desk)
    for _ in range(2):
        trouble(line)
        round_of(desk)
        assert waiting(desk), "nobody could be reached"
        line.mend()
        line.go_on()
    ensure_all_are_told(desk)


def test_a_line_that_breaks_off_in_mid_message_loses_none(desk: Desk, line: Line) -> None:
    tell(desk)
    for count in (1, 60, 200, 450):
        breaks = line.breaks
        line.break_off_after(count)
        round_of(desk)
        assert line.breaks > breaks or not waiting(desk)
    assert line.breaks
    ensure_all_are_told(desk)


@pytest.mark.full
@pytest.mark.parametrize("pace", [FAR_AWAY, NARROW], ids=["far away", "narrow"])
def test_a_slow_line_only_delays(desk: Desk, line: Line, pace: Pace) -> None:
    line.slow_down(pace)
    tell(desk)
    round_of(desk)
    assert not waiting(desk), "each was reached at the first attempt"
    ensure_all_are_told(desk)
