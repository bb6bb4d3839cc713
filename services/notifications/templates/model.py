"""Texts: one template per occasion and language, with a short form that a text message holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from babel.numbers import format_decimal
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from shared.kernel import canonical
from shared.kernel.money import Money

SMS_CHARS_MAX = 160


@dataclass(frozen=True, slots=True)
class Text:
    """A message ready to be read."""

    subject: str
    body: str
    sms: str


def render(template: str, language: str, facts: Mapping[str, Any]) -> Text:
    """The text of an occasion in a language.

    Raises: KeyError for an unknown template; jinja2 errors where a fact is missing: both are bugs.
    """
    source = catalogue()[template][language]
    environment = _environment(language)
    made = {name: environment.from_string(text).render(**facts) for name, text in source.items()}
    subject = " ".join(made["subject"].split())  # the subject of a mail is one line
    return Text(subject, made["body"], made["sms"][:SMS_CHARS_MAX])


@cache
def catalogue() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Every template: occasion, language, part."""
    content = files("services.notifications.templates").joinpath("data/templates.json").read_bytes()
    texts: Mapping[str, Mapping[str, Mapping[str, str]]] = canonical.decode(content)
    return texts


@cache
def _environment(language: str) -> SandboxedEnvironment:
    """Templates of a language, with its figures: `vnd` for an amount in đồng, `whole` for a count."""
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.filters["whole"] = lambda count: format_decimal(count, "#,##0", locale=language)
    environment.filters["vnd"] = lambda amount: format_decimal(Money(int(amount)), "#,##0", locale=language)
    return environment
