"""The log over HTTP, as C2SP tlog-tiles lays it out: whoever wants to can keep a copy and check it.

Hashes and checkpoints say nothing about anybody, so they are open to all; bundles hold entries and are not.
"""

from __future__ import annotations

import base64
from importlib.resources import files
from typing import Any

from flask import Response

from services.audit.log import queries, schemas, tiles
from shared.kernel.errors import NotFound
from shared.web.acting import PUBLIC, current_connection, reads
from shared.web.blueprint import Blueprint

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
UNCHANGING = "public, max-age=31536000, immutable"

blueprint = Blueprint(
    "log", __name__, url_prefix="/v1/log", description="The Merkle log and its checkpoints."
)


@blueprint.get("/checkpoint")
@reads(PUBLIC)
@blueprint.response(200, content_type=TEXT, description="A C2SP checkpoint.")
def show_checkpoint() -> Response:
    """The newest signed checkpoint."""
    return Response(queries.signed_checkpoint(current_connection()).note, content_type=TEXT)


@blueprint.get("/vkey")
@reads(PUBLIC)
@blueprint.response(200, content_type=TEXT, description="A C2SP verifier key.")
def show_vkey() -> Response:
    """The log's public key; compare it with the one you were given by other means."""
    return Response(queries.vkey(current_connection()) + "\n", content_type=TEXT)


@blueprint.get("/verifier")
@reads(PUBLIC)
@blueprint.response(200, content_type=TEXT, description="Python source text.")
def show_verifier() -> Response:
    """The offline verifier as one file; read it, and run it on a machine that you trust."""
    source = files("services.audit.verifier").joinpath("fundtrail_verify.py").read_bytes()
    return Response(source, content_type=TEXT)


@blueprint.get("/consistency")
@reads(PUBLIC)
@blueprint.arguments(schemas.ConsistencyQuery, location="query")
@blueprint.response(200, schemas.ConsistencySchema)
def show_consistency(query: dict[str, Any]) -> dict[str, Any]:
    """A proof that the log only grew between two sizes."""
    newer, path = queries.consistency(current_connection(), query["old_size"], query["new_size"])
    hashes = [base64.b64encode(part).decode() for part in path]
    return {"old_size": query["old_size"], "new_size": newer, "hashes": hashes}


@blueprint.get("/tile/<int(max=63):level>/<path:place>")
@reads(PUBLIC)
@blueprint.response(200, content_type=BYTES, description="Hashes of 32 bytes each.")
def show_tile(level: int, place: str) -> Response:
    """A tile of hashes, full or partial."""
    index, width = _place(place)
    return _unchanging(queries.tile_resource(current_connection(), level, index, width))


@blueprint.get("/tile/entries/<path:place>")
@reads("audit.read")
@blueprint.response(200, content_type=BYTES, description="Entries, each behind its length in two bytes.")
def show_bundle(place: str) -> Response:
    """A bundle of entries, full or partial."""
    index, width = _place(place)
    return _unchanging(queries.bundle_resource(current_connection(), index, width))


def _place(place: str) -> tuple[int, int]:
    found = tiles.parse_place(place)
    if found is None:
        raise NotFound(
            "tile_unknown", f"{place!r} is no place of a tile; they look like x001/x234/067.p/112."
        )
    return found


def _unchanging(data: bytes) -> Response:
    return Response(data, content_type=BYTES, headers={"Cache-Control": UNCHANGING})
