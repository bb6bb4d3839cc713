"""Search in the log, the chain of a payment, and proofs that are checked before one's eyes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for

from services.portal.calls import units
from services.portal.calls.services import Answer, Away, Refused
from services.portal.calls.units import BEFORE_MERGERS
from services.portal.evidence import checks, model, places, stretch
from services.portal.evidence.checks import Broken, Check, Checkpoint
from services.portal.evidence.kinds import TYPES
from services.portal.look.formats import iso_day
from services.portal.look.page import named, show
from services.portal.look.refusals import said
from services.portal.users import store as users
from services.portal.visits.guard import ask, page
from shared.web.context import current_context

SEARCH, READ = "audit.search", "audit.read"
PAGE_ROWS = 50
ITEMS_SHOWN = 20
BUNDLES_AT_ONCE = 8  # where no script asks for one after the other
ATTACHED = 'attachment; filename="{}"'

blueprint = Blueprint("evidence", __name__, template_folder="templates", url_prefix="/evidence")


@blueprint.get("")
@page(SEARCH)
def search() -> str:
    """What the log holds about a subject, a person, a unit or an officer, in its order."""
    given = model.conditions(request.args)
    choices = {
        "units": places.choices(ask()),
        "types": sorted(((one, named(one, "evidence_types")) for one in TYPES), key=lambda pair: pair[1]),
    }
    found, wrong = _found(given)
    rows = found["items"] if found else []
    return show(
        "evidence/search.html",
        given=given,
        found=found,
        wrong=wrong,
        state=_state(),
        path=_address(given),
        **choices,
        **_names(rows),
    )


@blueprint.get("/entries/<int:index>")
@page(SEARCH)
def entry(index: int) -> str:
    """One entry with its data, and what changed by it."""
    found = ask().get("audit", f"/v1/entries/{index}")
    data = dict(found["data"])
    items = data.pop("items", None) if found["items_root"] else None
    start = request.args.get("from", 0, int)
    sides = model.before_and_after(data)
    shown = {
        "values": model.values(data),
        "sides": sides,
        "changed": model.changed(*sides) if sides else set(),
        "items": [model.values(one) for one in (items or [])[start : start + ITEMS_SHOWN]],
        "item_count": len(items or ()),
        "start": start,
        "step": ITEMS_SHOWN,
    }
    return show("evidence/entry.html", entry=found, **shown, **_names([found]))


@blueprint.get("/payments")
@page(SEARCH)
def find_payment() -> Response:
    """The chain of the payment whose id was typed."""
    typed = request.args.get("payment", "").strip()
    if not model.is_id(typed):
        return redirect(url_for("evidence.search", wrong="payment"), 303)  # type: ignore[return-value]
    return redirect(url_for("evidence.chain", payment_id=typed), 303)  # type: ignore[return-value]


@blueprint.get("/payments/<uuid:payment_id>")
@page(SEARCH)
def chain(payment_id: UUID) -> str:
    """The path of a payment from the citizen to the article of the law, from the log alone."""
    found = ask().get("audit", f"/v1/payments/{payment_id}/chain")
    path = model.path_of(found)
    facts = [fact for one in path for fact in one.facts]
    return show("evidence/chain.html", payment=str(payment_id), path=path, chain=found, **_names(facts))


@blueprint.get("/payments/<uuid:payment_id>/proof")
@page(SEARCH)
def payment_proof(payment_id: UUID) -> Response:
    """The proof file of one payment, to take home."""
    return _download(ask().answer("audit", f"/v1/payments/{payment_id}/proof"))


@blueprint.get("/entries/<int:index>/proof")
@page(SEARCH)
def entry_proof(index: int) -> Response:
    """The proof file of one entry, or of one item of it."""
    item = request.args.get("item", None, int)
    return _download(ask().answer("audit", f"/v1/entries/{index}/proof", {"item": item}))


@blueprint.get("/checkpoint")
@page(SEARCH)
def checkpoint() -> Response:
    """The newest signed checkpoint, to keep."""
    return _download(ask().answer("audit", "/v1/log/checkpoint"), "checkpoint")


@blueprint.get("/log.vkey")
@page(SEARCH)
def vkey() -> Response:
    """The public key of the log."""
    return _download(ask().answer("audit", "/v1/log/vkey"), "log.vkey")


@blueprint.get("/fundtrail_verify.py")
@page(SEARCH)
def verifier() -> Response:
    """The verifier as one file, to be read and run elsewhere."""
    return _download(ask().answer("audit", "/v1/log/verifier"), "fundtrail_verify.py")


@blueprint.get("/verify")
@page(SEARCH)
def verify() -> str:
    """How to check all this oneself; and checks that are made now, before one's eyes."""
    return show("evidence/verify.html", payment=request.args.get("payment", ""), state=_state())


@blueprint.get("/verify/proof")
@page(SEARCH)
def verify_proof() -> str:
    """Every check of one proof, made now."""
    args = request.args
    payment, index, item = (args.get(name, "").strip() for name in ("payment", "entry", "item"))
    done: list[Check] = []
    try:
        done = checks.run(_proof(payment, index, item).content.decode(), _key())
    except Refused as refused:
        why = said(refused.code, refused.detail, refused.values)
        done = [Check("proof", holds=False, facts=(("detail", why),), why="no_proof")]
    about = {"payment": payment, "entry": index, "item": item, "key": args.get("key", "")}
    return show("evidence/proof.html", checks=done, holds=checks.hold(done), about=about)


@blueprint.get("/verify/growth")
@page(SEARCH)
def verify_growth() -> str:
    """Whether the log of today begins with the one of a checkpoint that somebody has kept."""
    kept = request.args.get("checkpoint", "").replace("\r\n", "\n").strip() + "\n"
    done = list(_growth(kept))
    return show("evidence/growth.html", checks=done, holds=checks.hold(done), note=kept.strip())


@blueprint.get("/verify/stretch")
@page(READ)
def verify_stretch() -> str:
    """A stretch of the log, bundle by bundle, hashed here and led up to the signed root."""
    first, last = request.args.get("from", 0, int), request.args.get("to", 0, int)
    at = request.args.get("at", None, int)
    wrong, rows, next_at = "", [], None
    try:
        signed = checks.open_checkpoint(_text("/v1/log/checkpoint"), checks.parse_key(_key()))
        wanted = stretch.bundles_of(first, last, signed.size)
        todo = wanted if at is None else wanted[max(at - wanted.start, 0) :]
        todo = todo[: 1 if "HX-Request" in request.headers else BUNDLES_AT_ONCE]
        rows = [stretch.check_bundle(number, signed, _tile) for number in todo]
        next_at = todo.stop if todo and todo.stop < wanted.stop else None
    except Broken as broken:
        signed, wanted, wrong = None, range(0), str(broken)
    told = {"first": first, "last": last, "rows": rows, "next_at": next_at, "wrong": wrong}
    return show("evidence/stretch.html", signed=signed, wanted=wanted, **told)


def _found(given: Mapping[str, str]) -> tuple[Any, str]:
    """A page of entries, and the name of the condition that cannot be looked for."""
    if request.args.get("wrong") == "payment":
        return None, "payment"
    if not given:
        return None, ""
    wanted = dict(given)
    wanted["type"] = model.full(given.get("type", ""))
    wanted["actor"] = _account(given.get("actor", ""))
    if "person" in given and not model.is_id(given["person"]):
        return None, "person"
    for name in model.DAYS & given.keys():
        wanted[name] = iso_day(given[name])
        if not model.is_day(wanted[name]):
            return None, name
    query = {**wanted, "limit": PAGE_ROWS, "cursor": request.args.get("cursor")}
    return ask().get("audit", "/v1/entries", query), ""


def _account(typed: str) -> str:
    """The id of the account whose user name was typed; other texts stay what they are."""
    if not typed or model.is_id(typed) or typed.startswith("system:"):
        return typed
    with current_context().unit_of_work.reading() as connection:
        return users.id_of(connection, typed) or typed


def _names(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    actors = {UUID(row["actor"]) for row in rows if model.is_id(row["actor"])}
    with current_context().unit_of_work.reading() as connection:
        people = users.names_of(connection, actors)
    return {"people": people, "unit_names": units.names(ask(), {BEFORE_MERGERS})}


def _state() -> Mapping[str, Any]:
    """How far the log is; what stands in the way of knowing it is shown in its place."""
    try:
        return {"log": ask().get("audit", "/v1/log/sources"), "away": None}
    except Away as away:
        return {"log": None, "away": away}


def _address(given: Mapping[str, str]) -> str:
    return f"{url_for('evidence.search')}?{urlencode(given)}"


def _proof(payment: str, index: str, item: str) -> Answer:
    if payment and model.is_id(payment):
        return ask().answer("audit", f"/v1/payments/{payment}/proof")
    number = int(index) if index.isascii() and index.isdigit() else 0
    return ask().answer("audit", f"/v1/entries/{number}/proof", {"item": item})


def _growth(kept: str) -> Iterator[Check]:
    name = "kept"
    try:
        key = checks.parse_key(_key())
        old = checks.open_checkpoint(kept, key)
        yield Check(name, holds=True, facts=checks.facts_of(old))
        name = "signature"
        new = checks.open_checkpoint(_text("/v1/log/checkpoint"), key)
        yield Check(name, holds=True, facts=checks.facts_of(new))
        name = "growth"
        yield checks.grown(old, new, _consistency(old, new))
    except Broken as broken:
        yield Check(name, holds=False, why=str(broken))


def _consistency(old: Checkpoint, new: Checkpoint) -> list[bytes]:
    """The path from the old tree to the new one. Raises: Broken where the new one is the smaller."""
    if old.size > new.size:
        raise Broken("log_shrunk")
    found = ask().get("audit", "/v1/log/consistency", {"from": old.size, "to": new.size})
    return [checks.unbase64(one) for one in found["hashes"]]


def _key() -> str:
    """The key that the visitor trusts, or the one that the log itself shows."""
    return request.args.get("key", "").strip() or _text("/v1/log/vkey")


def _text(path: str) -> str:
    return ask().answer("audit", path).content.decode()


def _tile(path: str) -> bytes:
    return ask().answer("audit", f"/v1/log/tile/{path}").content


def _download(answer: Answer, name: str = "") -> Response:
    headers = {"Content-Disposition": ATTACHED.format(name or answer.name)}
    return Response(answer.content, content_type="text/plain; charset=utf-8", headers=headers)
