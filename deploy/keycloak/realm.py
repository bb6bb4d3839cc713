"""The realm that Keycloak imports, made from the portal's catalogue of roles.

`python -m deploy.keycloak.realm` writes realm.json anew. A role is a client scope that only its holders get;
for each permission of the role the scope puts the units of the person's attribute `units_<role>` into the
token's `grants`. Only administrators see and change these attributes: whoever could set them for himself
would have every permission everywhere.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from services.portal.look.language import DEFAULT, words_in
from services.portal.roles.model import Role, catalogue

FILE = Path(__file__).with_name("realm.json")
AUDIENCE = "fundtrail"
PORTAL_CLIENT = "fundtrail-portal"
CLAIMS = "fundtrail-claims"
ACCESS_S = 15 * 60  # as the portal's own tokens
SESSION_S = 12 * 60 * 60
CURVE = "P-256"
ALGORITHM = "ES256"
IN_TOKEN = {"access.token.claim": "true", "id.token.claim": "false", "userinfo.token.claim": "false"}


def realm() -> dict[str, Any]:
    """The realm as Keycloak's import reads it."""
    roles = list(catalogue().values())
    return {
        "realm": AUDIENCE,
        "enabled": True,
        "displayName": "Fundtrail",
        "sslRequired": "external",
        "registrationAllowed": False,
        "resetPasswordAllowed": False,
        "bruteForceProtected": True,
        "failureFactor": 5,
        "passwordPolicy": "length(12) and notUsername and passwordHistory(5)",
        "defaultSignatureAlgorithm": ALGORITHM,
        "accessTokenLifespan": ACCESS_S,
        "ssoSessionMaxLifespan": SESSION_S,
        "revokeRefreshToken": True,
        **_codes(),
        "eventsEnabled": True,
        "adminEventsEnabled": True,
        "internationalizationEnabled": True,
        "supportedLocales": ["vi", "en"],
        "defaultLocale": "vi",
        "requiredActions": [_second_factor()],
        "roles": {
            "realm": [
                {"name": role.name, "description": words_in(DEFAULT, f"roles.{role.name}")} for role in roles
            ]
        },
        "clientScopes": [_claims(), *(_scope(role) for role in roles)],
        "scopeMappings": [{"clientScope": _scope_name(role), "roles": [role.name]} for role in roles],
        "clients": [_portal([CLAIMS, *map(_scope_name, roles)]), _services()],
        "components": _components(),
    }


def render() -> str:
    """The text of the file."""
    return json.dumps(realm(), indent=2, ensure_ascii=False) + "\n"


def _second_factor() -> dict[str, Any]:
    """Everybody sets up a second factor at the first sign-in: some roles must have one."""
    return {
        "alias": "CONFIGURE_TOTP",
        "name": "Configure OTP",
        "providerId": "CONFIGURE_TOTP",
        "enabled": True,
        "defaultAction": True,
        "priority": 10,
    }


def _codes() -> dict[str, Any]:
    """Codes as every authenticator makes them (RFC 6238); an import that names the type alone leaves 0."""
    return {
        "otpPolicyType": "totp",
        "otpPolicyAlgorithm": "HmacSHA1",
        "otpPolicyDigits": 6,
        "otpPolicyPeriod": 30,
        "otpPolicyInitialCounter": 0,
        "otpPolicyLookAheadWindow": 1,
    }


def _claims() -> dict[str, Any]:
    """What every token carries: the subject, the name, the unit, and whom it is for."""
    return {
        "name": CLAIMS,
        "protocol": "openid-connect",
        "attributes": {"include.in.token.scope": "false", "display.on.consent.screen": "false"},
        "protocolMappers": [
            _mapper("subject", "oidc-sub-mapper", {"access.token.claim": "true"}),
            _mapper("name", "oidc-full-name-mapper", {**IN_TOKEN, "id.token.claim": "true"}),
            _mapper("unit", "oidc-usermodel-attribute-mapper", _attribute("unit", "unit", many=False)),
            _mapper(
                "audience",
                "oidc-audience-mapper",
                {"included.custom.audience": AUDIENCE, "access.token.claim": "true"},
            ),
        ],
    }


def _scope(role: Role) -> dict[str, Any]:
    return {
        "name": _scope_name(role),
        "protocol": "openid-connect",
        "attributes": {"include.in.token.scope": "false", "display.on.consent.screen": "false"},
        "protocolMappers": [
            _mapper(
                permission,
                "oidc-usermodel-attribute-mapper",
                _attribute(f"units_{role.name}", "grants." + permission.replace(".", "\\."), many=True),
            )
            for permission in role.permissions
        ],
    }


def _scope_name(role: Role) -> str:
    return f"role-{role.name}"


def _mapper(name: str, kind: str, config: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": config}


def _attribute(attribute: str, claim: str, *, many: bool) -> dict[str, str]:
    return {
        **IN_TOKEN,
        "user.attribute": attribute,
        "claim.name": claim,
        "jsonType.label": "String",
        "multivalued": str(many).lower(),
    }


def _portal(scopes: list[str]) -> dict[str, Any]:
    """The one client that people sign in by: code flow with PKCE, no password passes through it."""
    return {
        "clientId": PORTAL_CLIENT,
        "enabled": True,
        "publicClient": True,
        "standardFlowEnabled": True,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": False,
        "fullScopeAllowed": False,
        "redirectUris": ["http://127.0.0.1:8760/*", "https://proxy:9706/*"],
        "webOrigins": ["+"],
        "attributes": {
            "pkce.code.challenge.method": "S256",
            "access.token.signed.response.alg": ALGORITHM,
            "access.token.header.type.rfc9068": "true",
            "post.logout.redirect.uris": "+",
        },
        "defaultClientScopes": scopes,
        "optionalClientScopes": [],
    }


def _services() -> dict[str, Any]:
    """The services, which only receive tokens."""
    return {"clientId": AUDIENCE, "enabled": True, "bearerOnly": True, "fullScopeAllowed": False}


def _components() -> dict[str, Any]:
    names = ("username", "email", "firstName", "lastName")
    rights = {"view": ["admin", "user"], "edit": ["admin"]}
    profile = {
        "attributes": [{"name": name, "permissions": rights, "multivalued": False} for name in names],
        "unmanagedAttributePolicy": "ADMIN_EDIT",
    }
    key = {"ecdsaEllipticCurveKey": [CURVE], "priority": ["200"], "active": ["true"], "enabled": ["true"]}
    return {
        "org.keycloak.keys.KeyProvider": [
            {"name": "tokens", "providerId": "ecdsa-generated", "config": key},
        ],
        "org.keycloak.userprofile.UserProfileProvider": [
            {
                "providerId": "declarative-user-profile",
                "config": {"kc.user.profile.config": [json.dumps(profile)]},
            },
        ],
    }


def main() -> None:
    """Write the file anew."""
    FILE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
