# mypy: disallow-untyped-decorators=False
from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException, Locked, TooManyRequests

from shared.kernel.errors import Conflict, Denied, Fault, NotFound, Rejected, Stale, Unavailable
from shared.web import problems
from shared.web.blueprint import Blueprint
from shared.web.idempotency import KeyMissing
from shared.web.problems import MEDIA_TYPE
from shared.web.schemas import Closed, TextField, VndField


class Inner(Closed):
    """An object inside another."""

    amount_vnd = VndField(required=True)


class Outer(Closed):
    """An object with a list of objects."""

    name = TextField(5, required=True)
    lines = fields.List(fields.Nested(Inner), required=True)


class Nothing(Schema):
    """An empty reply."""


def client_that(act: Callable[[], object]) -> FlaskClient:
    """A client of an application whose only view does this."""
    app = Flask("x", static_folder=None)
    app.config.update(
        API_TITLE="x",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        PROPAGATE_EXCEPTIONS=False,
    )
    problems.register(app)
    blueprint = Blueprint("x", "x", url_prefix="/x")

    @blueprint.post("")
    @blueprint.arguments(Outer)
    @blueprint.response(200, Nothing)
    def view(_: dict[str, object]) -> dict[str, object]:
        act()
        return {}

    problems.ProblemApi(app).register_blueprint(blueprint)
    return app.test_client()


def answer_to(error: Exception) -> tuple[int, dict[str, object], dict[str, str]]:
    def fail() -> None:
        raise error

    reply = client_that(fail).post("/x", json={"name": "a", "lines": []})
    assert reply.content_type == MEDIA_TYPE
    return reply.status_code, reply.get_json(), dict(reply.headers)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyMissing("a_code", "Text."), 400),
        (Denied("a_code", "Text."), 403),
        (NotFound("a_code", "Text."), 404),
        (Conflict("a_code", "Text."), 409),
        (Stale("a_code", "Text."), 412),
        (Rejected("a_code", "Text."), 422),
    ],
)
def test_each_kind_of_refusal_has_its_status(error: Rejected, status: int) -> None:
    found, body, _ = answer_to(error)
    assert found == status == body["status"]
    assert (body["code"], body["detail"]) == ("a_code", "Text.")
    assert body["type"] == "urn:fundtrail:problem:a_code"
    assert "errors" not in body


def test_unavailable_says_when_to_come_back() -> None:
    status, body, headers = answer_to(Unavailable("Away.", 42))
    assert (status, body["code"], headers["Retry-After"]) == (503, "unavailable", "42")


@pytest.mark.parametrize("error", [Locked("Locked."), TooManyRequests("Slower.")])
def test_an_http_error_becomes_a_problem(error: HTTPException) -> None:
    status, body, _ = answer_to(error)
    assert status == error.code
    assert body["detail"] == error.description
    assert body["code"] == error.name.lower().replace(" ", "_")


def test_a_bug_is_a_problem_without_its_words() -> None:
    status, body, _ = answer_to(ZeroDivisionError("secret"))
    assert (status, body["code"]) == (500, "internal_server_error")
    assert "secret" not in json.dumps(body)


def test_a_fault_shows_what_is_known_of_its_place() -> None:
    whole = Fault("c", "Wrong.", row=7, column="amount", value="x", cure="Write a number.")
    _, body, _ = answer_to(Rejected("file_faulty", "Wrong.", [whole, Fault("d", "Wrong too.")]))
    assert body["errors"] == [
        {
            "code": "c",
            "detail": "Wrong.",
            "row": 7,
            "column": "amount",
            "value": "x",
            "cure": "Write a number.",
        },
        {"code": "d", "detail": "Wrong too."},
    ]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/lines", "/name"]),
        ({"name": "a", "lines": [{"amount_vnd": 1}, {"amount_vnd": "x"}]}, ["/lines/1/amount_vnd"]),
        ({"name": "a", "lines": [{"amount_vnd": 1, "more": 2}]}, ["/lines/0/more"]),
        ({"name": "too long", "lines": []}, ["/name"]),
        ({"name": "a", "lines": {}}, ["/lines"]),
        ({"name": "a", "lines": [], "json": 1}, ["/json"]),
    ],
    ids=str,
)
def test_a_pointer_leads_to_the_field(body: dict[str, object], pointers: list[str]) -> None:
    reply = client_that(lambda: None).post("/x", json=body)
    assert reply.status_code == 422
    assert sorted(error["pointer"] for error in reply.get_json()["errors"]) == pointers


@pytest.mark.parametrize("value", [0, 1, 2**53 - 1])
def test_an_amount_in_bounds_is_taken(value: int) -> None:
    reply = client_that(lambda: None).post("/x", json={"name": "a", "lines": [{"amount_vnd": value}]})
    assert reply.status_code == 200


def test_an_unknown_query_field_is_refused() -> None:
    class Query(Closed):
        """A query."""

        known = fields.String()

    app = Flask("y", static_folder=None)
    app.config.update(API_TITLE="y", API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    blueprint = Blueprint("y", "y", url_prefix="/y")

    @blueprint.get("")
    @blueprint.arguments(Query, location="query")
    @blueprint.response(200, Nothing)
    def view(_: dict[str, object]) -> dict[str, object]:
        return {}

    problems.ProblemApi(app).register_blueprint(blueprint)
    assert app.test_client().get("/y?known=1").status_code == 200
    assert app.test_client().get("/y?knwon=1").status_code == 422
