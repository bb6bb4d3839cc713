"""What the pages alone are told by the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shared.documents import keys
from shared.settings import SettingMissing

SETTINGS: Mapping[str, str] = {
    "portal": "FUNDTRAIL_PORTAL_URL",
    "allocation": "FUNDTRAIL_ALLOCATION_URL",
    "beneficiaries": "FUNDTRAIL_BENEFICIARIES_URL",
    "notifications": "FUNDTRAIL_NOTIFICATIONS_URL",
    "audit": "FUNDTRAIL_AUDIT_URL",
}
PAGES_URL = "FUNDTRAIL_PAGES_URL"
OIDC: Mapping[str, str] = {
    "issuer": "FUNDTRAIL_OIDC_ISSUER",
    "client": "FUNDTRAIL_OIDC_CLIENT",
    "secret": "FUNDTRAIL_OIDC_SECRET",
    "keys": "FUNDTRAIL_OIDC_JWKS_URL",
}
COOKIE_KEY_FILE = "portal-cookies.key"
VISITS_KEY_FILE = "portal-visits.key"


def addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """Where each service is. Raises: SettingMissing."""
    if missing := [setting for setting in SETTINGS.values() if not environment.get(setting)]:
        raise SettingMissing(f"Set {missing[0]}; docs/operations.md says what it means.")
    return {name: environment[setting].rstrip("/") for name, setting in SETTINGS.items()}


def pages_url(environment: Mapping[str, str]) -> str:
    """Where browsers reach the pages; empty where that is not said."""
    return environment.get(PAGES_URL, "")


def provider(environment: Mapping[str, str]) -> dict[str, str]:
    """The other issuer at which people sign in; empty where they do so here. Raises: SettingMissing."""
    given = {name: environment.get(setting, "") for name, setting in OIDC.items()}
    if not given["issuer"]:
        return {}
    if missing := [name for name in ("client", "keys") if not given[name]]:
        raise SettingMissing(f"Set {OIDC[missing[0]]} beside {OIDC['issuer']}; docs/operations.md has both.")
    return given


def backup_metrics_url(environment: Mapping[str, str]) -> str:
    """Where the figures stand that tell the age of the last backup; empty where that is not said."""
    return environment.get("FUNDTRAIL_BACKUP_METRICS_URL", "")


def ensure_keys(keys_dir: Path) -> None:
    """The keys that sign cookies and seal kept forms lie in the folder."""
    keys.ensure_key(keys_dir / COOKIE_KEY_FILE)
    keys.ensure_key(keys_dir / VISITS_KEY_FILE)


def key(keys_dir: Path, name: str) -> bytes:
    """A key of the folder. Raises: SettingMissing."""
    try:
        return (keys_dir / name).read_bytes()
    except FileNotFoundError as error:
        raise SettingMissing(f"{keys_dir / name} is absent; run migrate, which makes it.") from error
