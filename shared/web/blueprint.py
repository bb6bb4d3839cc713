"""flask-smorest's blueprint, closed: a query, form or file field that no schema knows is an error."""

from __future__ import annotations

from typing import Any

import flask_smorest
from marshmallow import EXCLUDE, RAISE
from webargs.flaskparser import FlaskParser


class Parser(FlaskParser):
    """webargs' parser; it would pass over unknown query parameters, which hides misspelt filters."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012 - declared so by webargs
        "json": RAISE,
        "query": RAISE,
        "form": RAISE,
        "files": RAISE,
        "headers": EXCLUDE,
        "cookies": EXCLUDE,
    }


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc] # flask-smorest brings no types
    """The blueprint that every feature uses."""

    ARGUMENTS_PARSER: Any = Parser()
