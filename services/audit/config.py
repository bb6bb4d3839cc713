"""What only the audit service is told by its environment."""

from __future__ import annotations

from collections.abc import Mapping

ORIGIN_SETTING = "FUNDTRAIL_LOG_ORIGIN"
ORIGIN_DEFAULT = "fundtrail.local/audit"
SERVICES = ("allocation", "beneficiaries", "notifications", "audit", "portal")


def log_origin(environment: Mapping[str, str]) -> str:
    """The name of the log, which stands in its key and in every checkpoint; read when the log is begun."""
    return environment.get(ORIGIN_SETTING, ORIGIN_DEFAULT)
