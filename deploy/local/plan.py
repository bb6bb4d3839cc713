"""What runs in an instance, in which order, and what each process is told."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.local.ports import Ports
from deploy.local.processes import Part, Stage, answers
from deploy.local.provisioning import Addresses
from deploy.local.spawn import Program
from deploy.local.state import Home

REPOSITORY = Path(__file__).resolve().parent.parent.parent
ISSUER = "portal"
SERVING = frozenset({"api", "pages"})  # roles that answer requests; the others tell their health
NOT_PASSED_ON = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "FUNDTRAIL_PORT_BASE")


@dataclass(frozen=True, slots=True)
class Service:
    """A service and the roles that stay up, beside `migrate`."""

    name: str
    roles: tuple[str, ...]


# In the order in which they are migrated: units and legal bases come first.
SERVICES = (
    Service("allocation", ("worker", "api")),
    Service("beneficiaries", ("worker", "jobs", "api")),
    Service("notifications", ("worker", "api")),
    Service("audit", ("worker", "api")),
    Service("portal", ("worker", "api", "pages")),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is, once database and bus stand."""

    home: Home
    ports: Ports
    databases: Mapping[str, Addresses]
    bus_url: str
    environment: Mapping[str, str]

    def address(self, service: str) -> str:
        """The base address of a service's API."""
        return f"http://127.0.0.1:{self.ports.of_service(service)}"

    @property
    def pages(self) -> str:
        """Where a browser finds the portal."""
        return f"http://127.0.0.1:{self.ports.of_service('portal', 'pages')}"


def built() -> tuple[Service, ...]:
    """The services whose code can be started."""
    return tuple(service for service in SERVICES if _exists(f"services.{service.name}"))


def waves() -> list[list[Service]]:
    """Services to migrate together, wave after wave: first the one that others take units from."""
    first, *others = SERVICES
    here = built()
    return [wave for wave in ([one for one in group if one in here] for group in ([first], others)) if wave]


def topics() -> list[str]:
    """Every topic of every service."""
    return [f"{service.name}.{kind}.v1" for service in SERVICES for kind in ("events", "trail")]


def migration(layout: Layout, service: Service) -> Program:
    """The program that brings a database to the newest state; it alone is told the owner's password."""
    environment = {
        **_environment(layout, service.name),
        "FUNDTRAIL_OWNER_DATABASE_URL": layout.databases[service.name].owner,
    }
    return _python(
        layout, f"{service.name}-migrate", ("-m", f"services.{service.name}", "migrate"), environment
    )


def service_parts(layout: Layout) -> list[Part]:
    """Every process of every service."""
    return [_service_part(layout, service.name, role) for service in built() for role in service.roles]


def outside_parts(layout: Layout) -> list[Part]:
    """Everybody else: the Treasury, the providers, and what catches mail and SMS."""
    ports, home = layout.ports, layout.home
    mail = ("--smtp-port", str(ports.of("smtp")), "--http-port", str(ports.of("mail")))
    treasury = ("--allocation", layout.address("allocation"), "--portal", layout.address("portal"))
    return [
        _outside_part(layout, "mail_catcher", home.outside("mail"), mail, partial(answers, ports.of("mail"))),
        _outside_part(
            layout,
            "sms_catcher",
            home.outside("sms"),
            ("--port", str(ports.of("sms"))),
            partial(answers, ports.of("sms")),
        ),
        _outside_part(layout, "provider_post", home.outside("post")),
        _outside_part(layout, "provider_bank", home.outside("bank")),
        _outside_part(layout, "treasury", home.outside("treasury"), treasury),
    ]


def _exists(package: str) -> bool:
    return (
        importlib.util.find_spec(package) is not None
        and importlib.util.find_spec(f"{package}.__main__") is not None
    )


def _service_part(layout: Layout, service: str, role: str) -> Part:
    port = layout.ports.of_service(service, role)
    environment = _environment(layout, service)
    environment["FUNDTRAIL_PORT" if role in SERVING else "FUNDTRAIL_HEALTH_PORT"] = str(port)
    name = f"{service}-{role}"
    environment["FUNDTRAIL_MEMBER"] = name  # there is one of each
    program = _python(layout, name, ("-m", f"services.{service}", role), environment)
    return Part(name, program, Stage.API if role in SERVING else Stage.WORK, partial(answers, port))


def _outside_part(
    layout: Layout,
    name: str,
    folder: Path,
    options: tuple[str, ...] = (),
    ready: Callable[[], bool] | None = None,
) -> Part:
    arguments = ("-m", f"deploy.outside.{name}", "--folder", str(folder), *options)
    program = _python(layout, name.replace("_", "-"), arguments, _inherited(layout))
    return Part(name.replace("_", "-"), program, Stage.OUTSIDE, ready or _at_once)


def _at_once() -> bool:
    """Ready as soon as it runs: it listens on no port."""
    return True


def _python(layout: Layout, name: str, arguments: tuple[str, ...], environment: Mapping[str, str]) -> Program:
    return Program(
        (sys.executable, *arguments),
        log=layout.home.logs / f"{name}.log",
        environment=environment,
        folder=REPOSITORY,
    )


def _environment(layout: Layout, service: str) -> dict[str, str]:
    ports = layout.ports
    return {
        **_inherited(layout),
        "FUNDTRAIL_SERVICE_DATABASE_URL": layout.databases[service].service,
        "FUNDTRAIL_BUS_URL": layout.bus_url,
        "FUNDTRAIL_ISSUER": layout.address(ISSUER),
        "FUNDTRAIL_JWKS_URL": f"{layout.address(ISSUER)}/.well-known/jwks.json",
        "FUNDTRAIL_AUDIENCE": "fundtrail",
        "FUNDTRAIL_HOST": "127.0.0.1",
        "FUNDTRAIL_STATE_DIR": str(layout.home.root),
        "FUNDTRAIL_KEYS_DIR": str(layout.home.keys(service)),
        **{f"FUNDTRAIL_{one.name.upper()}_URL": layout.address(one.name) for one in SERVICES},
        "FUNDTRAIL_PAGES_URL": layout.pages,
        "FUNDTRAIL_BACKUP_METRICS_URL": f"http://127.0.0.1:{ports.of('launcher')}/metrics",
        "FUNDTRAIL_SMTP_HOST": "127.0.0.1",
        "FUNDTRAIL_SMTP_PORT": str(ports.of("smtp")),
        "FUNDTRAIL_SMS_URL": f"http://127.0.0.1:{ports.of('sms')}/messages",
    }


def _inherited(layout: Layout) -> dict[str, str]:
    passed = {name: value for name, value in layout.environment.items() if name not in NOT_PASSED_ON}
    return {**passed, "PYTHONUNBUFFERED": "1"}
