"""A house with reference data, its application, and the people who come to its desks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from flask import Flask
from joserfc.jwk import ECKey, KeySet

from deploy.local.provisioning import Addresses
from services.allocation.decisions.api import blueprint as decisions
from services.allocation.funding_rules.handlers import load_funding_rules
from services.allocation.funding_rules.model import published_rules
from services.allocation.ledger.api import blueprint as ledger
from services.allocation.legal_bases.api import blueprint as legal_bases
from services.allocation.legal_bases.handlers import load_legal_bases
from services.allocation.legal_bases.published import published_articles
from services.allocation.listening import HANDLERS
from services.allocation.refusals import REFUSALS
from services.allocation.treasury.api import blueprint as treasury
from services.allocation.units.api import blueprint as units
from services.allocation.units.handlers import load_units
from services.allocation.units.snapshots import published_units
from services.allocation.year_end.api import blueprint as year_end
from shared.db.unit_of_work import UnitOfWork
from shared.documents.keys import ensure_key
from shared.documents.store import DocumentStore
from shared.inbox.api import HANDLERS_PART
from shared.inbox.api import blueprint as quarantine
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock
from shared.settings import Settings
from shared.web.auth import TokenVerifier
from shared.web.blueprint import Blueprint
from shared.web.context import Context
from tests.integration.allocation.district import District
from tests.integration.allocation.house import AUDIENCE, ISSUER, NOON, SERVICE, House, Person
from tests.integration.allocation.offices import Offices

BLUEPRINTS = (units, legal_bases, ledger, year_end, decisions, treasury, quarantine)
MakeApp = Callable[[Context, Sequence[Blueprint]], Flask]


@pytest.fixture
def bare_house(database: Callable[..., Addresses]) -> Iterator[House]:
    """A migrated database without reference data: enough for the ledger itself."""
    with checked(database(SERVICE)) as house:
        yield house


@pytest.fixture
def house(database: Callable[..., Addresses]) -> Iterator[House]:
    """A migrated database with the published units, legal bases and funding rules."""
    with checked(database(SERVICE, published_lists)) as house:
        yield house


def published_lists(addresses: Addresses) -> None:
    """Units, legal bases and funding rules are in."""
    house = House(addresses, FixedClock(NOON))
    with house.unit_of_work.begin(Act.system(SERVICE, house.clock.now(), "published lists")) as work:
        load_units(work, published_units())
        load_legal_bases(work, *published_articles())
        load_funding_rules(work, published_rules())
    house.close()


@contextlib.contextmanager
def checked(addresses: Addresses) -> Iterator[House]:
    """A house in which every invariant holds when the test is over."""
    house = House(addresses, FixedClock(NOON))
    try:
        yield house
        assert [str(one) for one in house.findings()] == []
    finally:
        house.close()


@pytest.fixture
def key() -> ECKey:
    return ECKey.generate_key("P-256", auto_kid=True)


@pytest.fixture
def app(house: House, key: ECKey, tmp_path: Path, application: MakeApp) -> Flask:
    return app_of(house, key, tmp_path, application)


def app_of(house: House, key: ECKey, folder: Path, make: MakeApp) -> Flask:
    """The application as `create_app` puts it together, with a clock and an issuer of the test."""
    published = KeySet([key]).as_dict(private=False)
    verifier = TokenVerifier(ISSUER, AUDIENCE, lambda: published, house.clock)
    documents = DocumentStore(folder / "documents", ensure_key(folder / "keys" / "documents.key"))
    unit_of_work = UnitOfWork(house.engine(house.addresses.service), house.clock, REFUSALS)
    parts = {"documents": documents, HANDLERS_PART: HANDLERS}
    return make(Context(SERVICE, unit_of_work, verifier, house.clock, parts), BLUEPRINTS)


@pytest.fixture
def offices(house: House, app: Flask, key: ECKey) -> Offices:
    return offices_of(house, app, key)


def offices_of(house: House, app: Flask, key: ECKey) -> Offices:
    """The finance office, its checker and its head, the Treasury, and strangers on request."""

    def person(subject: str, grants: dict[str, tuple[str, ...]]) -> Person:
        return Person(app, key, house.clock, subject, grants)

    return Offices(house, person)


@pytest.fixture
def settings(house: House, tmp_path: Path) -> Settings:
    """What a process of this service would be told."""
    return Settings.from_environment(
        {
            "FUNDTRAIL_SERVICE_DATABASE_URL": house.addresses.service,
            "FUNDTRAIL_BUS_URL": "kafka://127.0.0.1:1",
            "FUNDTRAIL_ISSUER": ISSUER,
            "FUNDTRAIL_JWKS_URL": f"{ISSUER}/keys",
            "FUNDTRAIL_STATE_DIR": str(tmp_path / "state"),
        }
    )


@pytest.fixture
def district(offices: Offices) -> District:
    return District(offices, offices.districts(1)[0])
