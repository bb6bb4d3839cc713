"""What an inspector asks for over HTTP, and what of it stays in the trail."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.audit.log import notes, tiles
from services.audit.verifier import fundtrail_verify
from shared.journal.envelope import Envelope
from shared.kernel import canonical, merkle
from shared.kernel.ids import id_of

if TYPE_CHECKING:
    from tests.integration.audit.conftest import Audit, Inspector

MakeEnvelope = Callable[..., Envelope]
MakeRows = Callable[..., list[Envelope]]

SEARCH, READ = "audit.search", "audit.read"


def name(kind: str, number: int = 1) -> str:
    return str(id_of(kind, number))


@pytest.fixture
def story(audit: Audit, envelope: MakeEnvelope) -> Audit:
    """Everything that is behind two payments, signed and indexed."""
    persons, payments, settled = [], [], []
    for number in (1, 2):
        entitlement = name("entitlement", number)
        persons.append(
            {
                "person_id": name("person", number),
                "entitlements": [{"entitlement_id": entitlement, "code": "TB"}],
            }
        )
        payments.append(
            {
                "payment_id": name("payment", number),
                "person_id": name("person", number),
                "list_id": name("list"),
                "amount_vnd": 2_789_000,
                "obligations": [{"kind": "monthly", "entitlement_id": entitlement, "rate_id": name("rate")}],
            }
        )
        settled.append({"payment_id": name("payment", number), "amount_vnd": 2_789_000})
    lines = [{"line_id": name("line"), "article_id": name("article"), "amount_vnd": 10**10}]
    held = [{"decision_lines": [{"line_id": name("line"), "decision_id": name("decision")}]}]
    decision, list_id = {"decision_id": name("decision")}, {"list_id": name("list")}
    facts: list[tuple[str, str, dict[str, Any]]] = [
        (
            "allocation",
            "legal_bases.loaded",
            {"items": [{"article_id": name("article"), "number": "77/2024"}]},
        ),
        ("allocation", "decisions.drafted", decision),
        ("allocation", "decisions.issued", decision | {"items": lines}),
        ("beneficiaries", "rates.loaded", {"items": [{"rate_id": name("rate"), "decree": "77/2024"}]}),
        ("beneficiaries", "persons.registered", {"items": persons}),
        ("beneficiaries", "lists.approved", list_id),
        ("allocation", "funds.held", list_id | {"lines": held}),
        ("beneficiaries", "payments.instructed", list_id | {"items": payments}),
        ("beneficiaries", "payments.returned", list_id | {"items": settled[:1]}),
        ("beneficiaries", "payments.settled", list_id | {"items": settled[1:]}),
    ]
    positions = {"allocation": 0, "beneficiaries": 0}
    for source, fact, data in facts:
        positions[source] += 1
        item = envelope(
            source, positions[source], type=f"vn.fundtrail.{fact}.v1", data=data, unit=name("unit")
        )
        assert audit.take(item) == 1
    audit.sign()
    audit.index()
    return audit


def trail(audit: Audit) -> list[tuple[str, dict[str, Any]]]:
    with audit.reading() as connection:
        rows = connection.execute(text("SELECT type, data, topic, actor FROM journal ORDER BY seq")).all()
    assert all((row.topic, row.actor) == ("trail", "inspector-1") for row in rows)
    return [(row.type, canonical.decode(bytes(row.data))) for row in rows]


def indexes(answer: Any) -> list[int]:  # noqa: ANN401 - JSON
    assert answer.status_code == 200, answer.get_json()
    return [item["index"] for item in answer.get_json()["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", list(range(10))),
        (f"?subject=list:{name('list')}", [5, 6, 7, 8, 9]),
        (f"?person={name('person', 2)}", [4, 7]),
        (f"?subject=payment:{name('payment', 1)}", [7, 8]),
        (f"?subject=payment:{name('payment', 1)}&person={name('person', 2)}", [7]),
        (f"?subject=line:{name('line')}", [2, 6]),
        ("?type=vn.fundtrail.funds.held.v1", [6]),
        (f"?unit={name('unit')}", list(range(10))),
        (f"?unit={name('unit', 2)}", []),
        ("?actor=officer-1", list(range(10))),
        ("?actor=officer-2", []),
        ("?from=2024-08-05&to=2024-08-05", list(range(10))),
        ("?from=2024-08-06", []),
        ("?to=2024-08-04", []),
    ],
)
def test_finds_entries_that_meet_every_condition(
    story: Audit, inspector: Inspector, query: str, found: list[int]
) -> None:
    assert indexes(inspector.get(f"/v1/entries{query}", SEARCH)) == found


def test_says_which_items_of_a_bulk_row_name_the_person(story: Audit, inspector: Inspector) -> None:
    items = inspector.get(f"/v1/entries?person={name('person', 2)}", SEARCH).get_json()["items"]
    assert [item["items"] for item in items] == [[1], [1]]
    assert (items[1]["source"], items[1]["position"]) == ("beneficiaries", 4)
    assert items[1]["occurred_at"] == "2024-08-05T05:00:00+00:00"


def test_pages_cover_everything_once(audit: Audit, rows: MakeRows, inspector: Inspector) -> None:
    audit.take(*rows("portal", 1, 25))
    audit.index()
    seen: list[int] = []
    cursor = ""
    while True:
        answer = inspector.get(f"/v1/entries?limit=10{cursor}", SEARCH)
        seen += indexes(answer)
        if answer.get_json()["next_cursor"] is None:
            break
        cursor = f"&cursor={answer.get_json()['next_cursor']}"
    assert seen == list(range(25))


def test_every_look_into_the_log_is_in_the_trail(story: Audit, inspector: Inspector) -> None:
    payment = name("payment", 1)
    inspector.get(f"/v1/entries?person={name('person')}&from=2024-08-01", SEARCH)
    inspector.get("/v1/entries/3", SEARCH)
    inspector.get("/v1/entries/7/proof?item=1", SEARCH)
    inspector.get(f"/v1/payments/{payment}/chain", SEARCH)
    inspector.get(f"/v1/payments/{payment}/proof", SEARCH)
    recorded = trail(story)
    assert [kind.removeprefix("vn.fundtrail.search.") for kind, _ in recorded] == [
        "performed.v1",
        "performed.v1",
        "proof_exported.v1",
        "performed.v1",
        "proof_exported.v1",
    ]
    assert recorded[0][1] == {
        "actor_id": "inspector-1",
        "kind": "entries",
        "filters": {"person": name("person"), "from_on": "2024-08-01"},
        "found": 2,
        "person_id": name("person"),
        "payment_id": None,
    }
    assert (recorded[2][1]["entry_index"], recorded[2][1]["item"]) == (7, 1)
    assert recorded[4][1]["payment_id"] == payment


@pytest.mark.parametrize(
    "path", ["/v1/entries", "/v1/entries/0", "/v1/entries/0/proof", f"/v1/payments/{UUID(int=1)}/chain"]
)
def test_who_may_not_search_is_refused_and_that_is_in_the_trail(
    story: Audit, inspector: Inspector, path: str
) -> None:
    assert inspector.get(path).status_code == 401
    assert inspector.get(path, "lists.read").status_code == 403
    ((kind, data),) = trail(story)
    assert (kind, data["path"], data["denied"]) == ("vn.fundtrail.access.attempt_refused.v1", path, True)


def test_shows_an_entry_with_its_data(story: Audit, inspector: Inspector) -> None:
    shown = inspector.get("/v1/entries/3", SEARCH).get_json()
    assert shown["data"] == {"items": [{"rate_id": name("rate"), "decree": "77/2024"}]}
    assert (shown["type"], shown["actor"]) == ("vn.fundtrail.rates.loaded.v1", "officer-1")
    assert inspector.get("/v1/entries/99", SEARCH).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "cursor=%25",
        "cursor=WyJ4Il0",
        "from=5.8.2024",
        "person=x",
        "colour=red",
        "subject=",
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_422(
    story: Audit, inspector: Inspector, query: str
) -> None:
    assert inspector.get(f"/v1/entries?{query}", SEARCH).status_code == 422


def test_the_chain_leads_from_the_citizen_to_the_article(story: Audit, inspector: Inspector) -> None:
    answer = inspector.get(f"/v1/payments/{name('payment', 1)}/chain", SEARCH).get_json()
    assert answer["missing"] == []
    assert [(step["step"], [fact["index"] for fact in step["facts"]]) for step in answer["steps"]] == [
        ("payment", [7]),
        ("outcome", [8]),
        ("person", [4]),
        ("entitlement", [4]),
        ("rate", [3]),
        ("list", [5, 6]),
        ("line", [2]),
        ("decision", [1, 2]),
        ("article", [0]),
    ]
    article = answer["steps"][-1]["facts"][0]
    assert article["content"] == {"article_id": name("article"), "number": "77/2024"}
    assert name("person", 2) not in str(answer)


def test_one_payment_is_proven_to_the_offline_verifier(story: Audit, inspector: Inspector) -> None:
    answer = inspector.get(f"/v1/payments/{name('payment', 2)}/proof", SEARCH)
    vkey = inspector.get("/v1/log/vkey").text
    report = "\n".join(fundtrail_verify.verify(answer.text, vkey))
    assert name("payment", 2) in report
    assert "payments.instructed" in report
    assert name("payment", 1) not in report
    assert answer.headers["Content-Disposition"].endswith('.tlog-proof"')
    assert answer.content_type == "text/plain; charset=utf-8"


def test_the_verifier_is_handed_out_as_it_is(inspector: Inspector) -> None:
    answer = inspector.get("/v1/log/verifier")
    assert answer.status_code == 200
    assert answer.data == Path(fundtrail_verify.__file__).read_bytes()


def test_a_payment_that_the_log_does_not_know_is_404(story: Audit, inspector: Inspector) -> None:
    for kind in ("chain", "proof"):
        answer = inspector.get(f"/v1/payments/{name('payment', 9)}/{kind}", SEARCH)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "payment_unknown")


def test_whoever_wants_to_can_keep_a_copy_of_the_hashes_and_check_it(
    audit: Audit, rows: MakeRows, inspector: Inspector
) -> None:
    assert inspector.get("/v1/log/checkpoint").status_code == 503
    audit.take(*rows("portal", 1, 100))
    audit.sign()
    older = inspector.get("/v1/log/checkpoint").text
    audit.take(*rows("portal", 101, 300))
    audit.sign()
    vkey = inspector.get("/v1/log/vkey").text.strip()
    key = notes.VerifierKey.parse(vkey)
    old, new = (
        notes.open_checkpoint(note, key) for note in (older, inspector.get("/v1/log/checkpoint").text)
    )
    answer = inspector.get("/v1/log/consistency?from=100&to=300").get_json()
    path = [base64.b64decode(part) for part in answer["hashes"]]
    assert merkle.verify_consistency(old.size, new.size, old.root, new.root, path)
    hashes = inspector.get("/v1/log/tile/0/000").data + inspector.get("/v1/log/tile/0/001.p/44").data
    assert merkle.root(tiles.split_hashes(hashes)) == new.root
    bundle = inspector.get("/v1/log/tile/entries/001.p/44", READ)
    assert b"".join(merkle.leaf_hashes(tiles.unpack_entries(bundle.data))) == hashes[8192:]
    assert "immutable" in bundle.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/log/tile/0/1", 404),
        ("/v1/log/tile/0/x000/000", 404),
        ("/v1/log/tile/0/000.p/256", 404),
        ("/v1/log/tile/0/000.p/0", 404),
        ("/v1/log/tile/0/000.p/11", 404),
        ("/v1/log/tile/0/001", 404),
        ("/v1/log/tile/9/000", 404),
        ("/v1/log/tile/entries/000.p/10", 401),
        ("/v1/log/consistency", 422),
        ("/v1/log/consistency?from=-1", 422),
        ("/v1/log/consistency?from=5&to=11", 404),
        ("/v1/log/consistency?from=5", 200),
        ("/v1/log/consistency?from=0", 200),
    ],
)
def test_what_is_not_there_is_said_so(story: Audit, inspector: Inspector, path: str, status: int) -> None:
    assert inspector.get(path).status_code == status


def test_says_how_far_everything_is(audit: Audit, rows: MakeRows, inspector: Inspector) -> None:
    empty = inspector.get("/v1/log/sources").get_json()
    assert (empty["size"], empty["signed"], empty["indexed"], empty["sources"]) == (0, 0, 0, [])
    audit.take(*rows("portal", 1, 5))
    audit.sign()
    audit.index()
    audit.clock.advance(timedelta(seconds=1))
    audit.take(*rows("portal", 6, 7))
    state = inspector.get("/v1/log/sources").get_json()
    assert (state["origin"], state["size"], state["signed"], state["indexed"]) == (audit.signer.name, 7, 5, 5)
    (source,) = state["sources"]
    assert source == {
        "source": "portal",
        "epoch": 1,
        "first_position": 1,
        "position": 7,
        "ended_at": None,
        "orphaned": 0,
    }
