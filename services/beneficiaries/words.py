"""Texts that people write: something must stand in them, and a column must be able to hold it."""

from __future__ import annotations

import unicodedata
from typing import Any

from marshmallow import ValidationError, fields

from shared.web.schemas import TEXT_MAX


def is_plain(text: str) -> bool:
    """Whether a text has no control characters, surrogates or unassigned signs in it."""
    return not any(unicodedata.category(sign) in {"Cc", "Cs", "Cn"} for sign in text)


class SentenceField(fields.String):
    """A text of 1 to 2,000 characters that is not blank; line breaks are allowed, other controls are not."""

    def __init__(self, maximum: int = TEXT_MAX, **options: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(**options)
        self._maximum = maximum

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:  # noqa: ANN401
        text = str(super()._deserialize(value, attr, data, **kwargs)).strip()
        if not 1 <= len(text) <= self._maximum:
            raise ValidationError(f"Write 1 to {self._maximum} characters.")
        if not is_plain(text.replace("\n", " ").replace("\t", " ")):
            raise ValidationError("Control characters cannot be stored; write plain text.")
        return text
