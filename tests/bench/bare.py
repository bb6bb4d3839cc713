"""One transfer a request with nothing but Flask and SQL: what an API of ours is held against.

It checks the token's signature, runs the very statements that an act of ours runs, and decides nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from joserfc import jwt
from joserfc.jwk import KeySet
from psycopg_pool import ConnectionPool

from services.allocation.ledger import store
from shared.kernel.ids import new_id
from shared.web import idempotency


def make_app() -> Flask:
    """The application of one gunicorn worker."""
    app = Flask(__name__)
    url = os.environ["FUNDTRAIL_SERVICE_DATABASE_URL"].replace("+psycopg", "")
    pool = ConnectionPool(url, min_size=4, max_size=8, open=True)
    keys = KeySet.import_key_set(json.loads(Path(os.environ["BENCH_JWKS"]).read_text()))

    @app.get("/readyz")
    def ready() -> str:
        return "ok"

    @app.post("/v1/transfers")
    def transfer() -> Response:
        jwt.decode(request.headers["Authorization"].removeprefix("Bearer "), keys, algorithms=["ES256"])
        body = request.get_json()["transfers"][0]
        with pool.connection() as connection:
            _write(connection, request.headers["Idempotency-Key"], body)
        return Response(
            json.dumps({"outcomes": [{"id": body["id"], "verdict": "accepted"}]}), mimetype="application/json"
        )

    return app


def _write(connection: Any, key: str, body: dict[str, Any]) -> None:  # noqa: ANN401 - a pooled connection
    id_, amount = body["id"], body["amount_vnd"]
    sides = f"{{{body['debit_id']},{body['credit_id']}}}"
    run = connection.execute
    run(idempotency.TRY_LOCK, {"lock": key})
    run(idempotency.STORED, {"principal": "bench", "key": key})
    run(store.KEEP_YEARS_OPEN, {"lock": store.YEAR_LOCK, "years": "{2024}"})
    run(store.LOCKED, {"ids": sides})
    run(store.KNOWN, {"ids": f"{{{id_}}}"})
    run(
        "INSERT INTO transfers (id, debit_account, credit_account, amount_vnd, kind, effective_on, period) "
        "VALUES (%s, %s, %s, %s, 'direct', '2024-08-05', '2024-08')",
        (id_, body["debit_id"], body["credit_id"], amount),
    )
    moved = {"dp": f"{{{amount},0}}", "cp": f"{{0,{amount}}}", "dn": "{0,0}", "cn": "{0,0}"}
    run(store.MOVE_TOTALS, {"ids": sides, **moved})
    run(
        "INSERT INTO journal (id, topic, type, key, subjects, occurred_at, actor, backdated, data) "
        "VALUES (%s, 'events', 'bench', %s, '{}', %s, 'bench', false, %s)",
        (new_id(), id_, datetime.now(UTC), json.dumps(body).encode()),
    )
    run(
        "INSERT INTO idempotency_replies (principal, key, request_hash, status, content_type, body) "
        "VALUES ('bench', %s, %s, 200, 'application/json', %s)",
        (key, hashlib.sha256(id_.encode()).hexdigest(), b'{"outcomes":[]}'),
    )
