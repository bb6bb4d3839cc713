"""Requests that are generated from a service's own document, and what of the answers breaks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from shared.kernel import canonical

if TYPE_CHECKING:
    from tests.contract.api.callers import Caller

# Checks that do not hold here, each with its reason. All others run.
EXCLUDED: Mapping[str, str] = {
    "positive_data_acceptance": "law, money and state refuse many a request that is well formed, with 422",
    "ignored_auth": "4.32.5 cannot send its probe to an application in its own process (it passes an option "
    "that werkzeug does not know); `refuses_strangers` asks the same question",
}
FORM = "multipart/form-data"
SIGNATURE_LENGTH = 86  # of ES256, in base64url
SEQUENCES_MAX = 100  # of about seven requests each, where one answer names what the next asks for


@schemathesis.check
def refuses_strangers(_: Any, response: Any, case: Any) -> None:  # noqa: ANN401 - schemathesis' own
    """What is given to one who is signed in, is given to nobody without a token or with a forged one."""
    token, method = response.request.headers.get("Authorization", ""), response.request.method
    is_own = method.lower() == case.operation.method  # what another method gives is no secret: OPTIONS, HEAD
    if not case.operation.definition.raw.get("security") or not is_own or response.status_code >= 300:
        return
    for stranger in ({}, {"Authorization": token[:-SIGNATURE_LENGTH] + "A" * SIGNATURE_LENGTH}):
        kept = {name: value for name, value in response.request.headers.items() if name != "Authorization"}
        place = urlsplit(response.request.url)
        reply = case.operation.app.test_client().open(
            f"{place.path}?{place.query}",
            method=method,
            headers={**kept, **stranger},
            data=response.request.body,
        )
        assert reply.status_code == 401, (
            f"{case.operation.label} answers {reply.status_code} without a sound token"
        )


@dataclass
class Story:
    """What came of one run: how many requests, how they were answered, and every fault."""

    answers: Counter[int] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    faults: dict[str, str] = field(default_factory=dict)

    def take(self, event: events.EngineEvent) -> None:
        if isinstance(event, events.NonFatalError | events.FatalError):
            told = event.info if isinstance(event, events.NonFatalError) else event.exception
            self.faults[f"the run itself: {getattr(event, 'label', '')}"] = str(told)
        elif isinstance(event, events.ScenarioFinished):
            self._count(event)

    def _count(self, event: events.ScenarioFinished) -> None:
        for one in event.recorder.interactions.values():
            if one.response is not None:
                self.answers[one.response.status_code] += 1
        if event.recorder.interactions and event.label:
            self.operations.add(event.label)
        for name, checks in event.recorder.checks.items():
            for check in checks:
                if check.failure_info is not None:
                    place = f"{event.label} {check.name}: {check.failure_info.failure.title}"
                    told = [check.failure_info.failure.message, check.failure_info.code_sample]
                    self.faults.setdefault(
                        place, "\n".join([*told, repr(event.recorder.cases[name].value.body)])
                    )


def story_of(
    caller: Caller, token: str, ids: Mapping[str, str], examples: int, seed: int, *, edges: bool = True
) -> Story:
    """The story of all operations of a service, asked with a token; half of the paths name what exists.

    With `edges` every bound, missing part and unknown method is tried as well.
    """
    generation = {"database": "none", "deterministic": True}
    told: dict[str, Any] = {
        "seed": seed,
        "headers": {"Authorization": f"Bearer {token}"},
        "workers": 1,
        "continue-on-failure": True,
        "generation": {**generation, "max-examples": examples},
        "phases": {
            "coverage": {"enabled": edges},
            "stateful": {"generation": {**generation, "max-examples": min(examples, SEQUENCES_MAX)}},
        },
        "checks": {
            **{name: {"enabled": False} for name in EXCLUDED},
            "negative_data_rejection": {"expected-statuses": ["4xx"]},  # 413 says no as well
        },
    }
    config = SchemathesisConfig.from_dict(told)
    schema = schemathesis.openapi.from_wsgi("/openapi.json", caller.app, config=config)
    numbers = iter(range(1_000_000_000))

    @schema.hook("map_path_parameters")
    def name_what_exists(_: Any, values: dict[str, Any] | None) -> dict[str, Any] | None:  # noqa: ANN401
        if not values or next(numbers) % 2:
            return values
        return {name: ids.get(name, value) if is_sound(value) else value for name, value in values.items()}

    @schema.hook("filter_body")
    def is_told_on_the_wire(context: Any, body: Any) -> bool:  # noqa: ANN401 - schemathesis' own
        forms = [one.resolved_schema for one in context.operation.body if one.media_type == FORM]
        return not forms or survives_a_form(body, forms[0].get("properties", {}))

    story = Story()
    for event in from_schema(schema).execute():
        story.take(event)
    return story


def survives_a_form(body: object, fields: Mapping[str, Any]) -> bool:
    """Whether a form shows all that is wrong with a body.

    A list goes as so many parts: where none belongs, nothing tells of an empty one, nor of one with one item.
    """
    given = body.items() if isinstance(body, dict) else ()
    lists = {name: value for name, value in given if isinstance(value, list)}
    return all(len(value) > 1 or fields.get(name, {}).get("type") == "array" for name, value in lists.items())


def is_sound(value: object) -> bool:
    """Whether a part of a path could be an id of ours; what could not is unsound on purpose."""
    text = str(value)
    return (text.isascii() and text.isdigit() and int(text) <= canonical.INTEGER_MAX) or is_uuid(text)


def is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
