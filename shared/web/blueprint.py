"""flask-smorest's blueprint, closed: a query, form or file field that no schema knows is an error."""

from __future__ import annotations

from typing import Any

import flask_smorest
from flask import Request
from marshmallow import EXCLUDE, RAISE, Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest

from shared.web import contract


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

    def load_json(self, req: Request, schema: Schema) -> Any:  # noqa: ANN401 - JSON
        """The body; one that is nested deeper than our stack is no JSON that we read. Raises: BadRequest."""
        try:
            return super().load_json(req, schema)
        except RecursionError as error:
            raise BadRequest("The body is nested too deeply to be read; send it flat.") from error


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc] # flask-smorest brings no types
    """The blueprint that every feature uses."""

    ARGUMENTS_PARSER: Any = Parser()

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as flask-smorest takes them
        super().__init__(*args, **options)
        self._prepare_doc_cbks.append(contract.add_asked)

    def arguments(self, schema: type[Schema] | Schema, **options: Any) -> Any:  # noqa: ANN401 - as it takes them
        """As flask-smorest does it, with a schema that is made once.

        A class would be made anew by every request, and all that it nests with it.
        """
        return super().arguments(schema() if isinstance(schema, type) else schema, **options)
