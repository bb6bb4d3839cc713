"""The realm that Keycloak imports: the portal's roles, and tokens that our services understand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from deploy.keycloak import realm
from services.portal.roles.model import catalogue
from shared.kernel.clock import FixedClock
from shared.web.auth import ALGORITHM, TokenVerifier, Unauthenticated
from tests.integration.images import compose

NOW = datetime(2024, 8, 1, 3, 0, tzinfo=UTC)
ISSUER = "http://keycloak:8080/realms/fundtrail"
CONTENT: dict[str, Any] = json.loads(realm.FILE.read_text())
SCOPES = {scope["name"]: scope for scope in CONTENT["clientScopes"]}
KEY = ECKey.generate_key("P-256", auto_kid=True)


def test_the_file_is_what_the_catalogue_of_roles_makes() -> None:
    assert realm.FILE.read_text() == realm.render(), "run: python -m deploy.keycloak.realm"


def claims_of(roles: Sequence[str], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What Keycloak's mappers put into a token of somebody with these roles and attributes."""
    mapped = {one["clientScope"]: one["roles"] for one in CONTENT["scopeMappings"]}
    (portal,) = [one for one in CONTENT["clients"] if one["clientId"] == realm.PORTAL_CLIENT]
    claims: dict[str, Any] = {}
    for name in portal["defaultClientScopes"]:
        if name in mapped and not set(mapped[name]) & set(roles):
            continue
        for mapper in SCOPES[name]["protocolMappers"]:
            _put(claims, mapper["protocolMapper"], mapper["config"], attributes)
    return claims


def _put(claims: dict[str, Any], kind: str, config: Mapping[str, str], attributes: Mapping[str, Any]) -> None:
    if kind == "oidc-sub-mapper":
        claims["sub"] = "5f0c"
    elif kind == "oidc-full-name-mapper":
        claims["name"] = "Cán bộ"
    elif kind == "oidc-audience-mapper":
        claims["aud"] = [config["included.custom.audience"]]
    elif config["user.attribute"] in attributes:
        *way, last = (part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", config["claim.name"]))
        place = claims
        for part in way:
            place = place.setdefault(part, {})
        place[last] = attributes[config["user.attribute"]]


def token(claims: Mapping[str, Any]) -> str:
    times = {"iss": ISSUER, "exp": int(NOW.timestamp()) + CONTENT["accessTokenLifespan"]}
    return jwt.encode({"alg": ALGORITHM, "typ": "at+jwt", "kid": KEY.kid}, {**claims, **times}, KEY)


def verifier() -> TokenVerifier:
    """One that knows the key set as Keycloak publishes it, beside keys for other purposes."""
    others = RSAKey.generate_key(2048, {"use": "enc", "alg": "RSA-OAEP"}, auto_kid=True)
    published = KeySet([others, KEY]).as_dict(private=False)
    return TokenVerifier(ISSUER, realm.AUDIENCE, lambda: published, FixedClock(NOW))


@pytest.mark.parametrize("name", catalogue())
def test_a_token_grants_what_the_role_holds_in_the_units_of_that_role(name: str) -> None:
    attributes = {"unit": "503", f"units_{name}": ["503", "20503"], "units_head": ["503", "20503"]}
    principal = verifier().verify(token(claims_of([name], attributes)))
    assert (principal.subject, principal.name, principal.unit) == ("5f0c", "Cán bộ", "503")
    assert principal.grants == dict.fromkeys(catalogue()[name].permissions, ("503", "20503"))


def test_who_holds_no_role_has_no_grant_whatever_his_attributes_say() -> None:
    attributes = {f"units_{name}": ["503"] for name in catalogue()}
    assert verifier().verify(token(claims_of([], attributes))).grants == {}


def test_a_token_for_others_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        verifier().verify(token({**claims_of(["head"], {}), "aud": ["account"]}))


def test_nobody_can_set_his_own_units() -> None:
    (provider,) = CONTENT["components"]["org.keycloak.userprofile.UserProfileProvider"]
    profile = json.loads(provider["config"]["kc.user.profile.config"][0])
    assert profile["unmanagedAttributePolicy"] == "ADMIN_EDIT"
    assert not any("unit" in one["name"] for one in profile["attributes"])
    assert CONTENT["registrationAllowed"] is False


def test_tokens_are_signed_as_services_expect_and_no_password_passes_a_client() -> None:
    assert CONTENT["defaultSignatureAlgorithm"] == ALGORITHM
    (key,) = CONTENT["components"]["org.keycloak.keys.KeyProvider"]
    assert (key["providerId"], key["config"]["ecdsaEllipticCurveKey"]) == ("ecdsa-generated", ["P-256"])
    for client in CONTENT["clients"]:
        assert not client.get("directAccessGrantsEnabled")
        assert not client.get("implicitFlowEnabled")
        assert not client["fullScopeAllowed"]
    (portal,) = [one for one in CONTENT["clients"] if one.get("publicClient")]
    assert portal["attributes"]["pkce.code.challenge.method"] == "S256"
    assert CONTENT["requiredActions"][0]["defaultAction"] is True, "some roles must have a second factor"


def test_the_containers_import_it_and_can_be_told_to_believe_it() -> None:
    container = compose.containers()["keycloak"]
    assert "./deploy/keycloak/realm.json:/opt/keycloak/data/import/realm.json:ro" in container["volumes"]
    assert "--import-realm" in container["command"]
    given = compose.env_file("keycloak.env")
    for name in ("allocation", "beneficiaries", "notifications", "audit"):
        told = compose.environment(compose.containers()[f"{name}-api"], given)
        assert told["FUNDTRAIL_ISSUER"] == ISSUER
        assert told["FUNDTRAIL_JWKS_URL"] == f"{ISSUER}/protocol/openid-connect/certs"
        assert told["FUNDTRAIL_AUDIENCE"] == realm.AUDIENCE
    portal = compose.environment(compose.containers()["portal-api"], given)
    assert portal["FUNDTRAIL_ISSUER"] == "http://portal-api:8700", "its own tokens are its own"
