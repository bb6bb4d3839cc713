"""The API of beneficiaries: composition root of one gunicorn worker."""

from __future__ import annotations

from flask import Flask

from services.beneficiaries import parts
from services.beneficiaries.channels.api import blueprint as channels
from services.beneficiaries.listening import HANDLERS
from services.beneficiaries.lists.api import blueprint as lists
from services.beneficiaries.openings.api import blueprint as openings
from services.beneficiaries.payroll.api import blueprint as payroll
from services.beneficiaries.providers.api import blueprint as providers
from services.beneficiaries.rates.api import blueprint as rates
from services.beneficiaries.reconciliation.api import blueprint as reconciliation
from services.beneficiaries.refusals import REFUSALS
from services.beneficiaries.register.api import blueprint as register
from services.beneficiaries.reissues.api import blueprint as reissues
from shared.inbox.api import HANDLERS_PART
from shared.inbox.api import blueprint as quarantine
from shared.jobs.api import blueprint as jobs
from shared.settings import Settings
from shared.web import server
from shared.web.app import build_app
from shared.web.context import make_context


def create_app(settings: Settings) -> Flask:
    """The application, ready to serve."""
    context = make_context(
        "beneficiaries",
        settings,
        REFUSALS,
        {
            "documents": parts.documents(settings),
            "sealer": parts.sealer(settings),
            HANDLERS_PART: HANDLERS,
        },
    )
    features = [rates, providers, register, openings, payroll, lists, channels, reconciliation, reissues]
    return build_app(context, [*features, jobs, quarantine])


def serve(settings: Settings) -> int:
    """The exit status once the API was told to stop."""
    return server.serve(settings, create_app)
