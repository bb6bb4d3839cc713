"""Whether today's contracts keep what was promised; each break is named with its JSON pointer.

What we send (events, replies) may gain fields; each field stays, with its type, there as surely as before.
What we take (queries, bodies) may gain fields nobody needs to send; what was taken before is taken still.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deploy.contracts.documents import Json, escaped, operations, target

FIXED = ("format", "pattern", "const")
LOWER, UPPER = ("minimum", "minLength", "minItems"), ("maximum", "maxLength", "maxItems")


def event_breaks(before: Mapping[str, Json], now: Mapping[str, Json]) -> Iterator[str]:
    """What breaks a promise about events, by their types."""
    for name, old in before.items():
        if name not in now:
            yield f"{name}: the event is gone"
            continue
        moved = [word for word in ("x-key", "x-topic") if old[word] != now[name][word]]
        yield from (f"{name}#/{word}: {old[word]} became {now[name][word]}" for word in moved)
        yield from (f"{name}#{found}" for found in Comparison(old, now[name], sent=True).run(old, now[name]))


def api_breaks(before: Mapping[str, Json], now: Mapping[str, Json]) -> Iterator[str]:
    """What breaks a promise about the APIs, by their services."""
    for service, old in before.items():
        for path, method, told in operations(old):
            place = f"{service}#/paths/{escaped(path)}/{method}"
            new = now.get(service, {}).get("paths", {}).get(path, {}).get(method)
            if new is None:
                yield f"{place}: the operation is gone"
            else:
                yield from (f"{place}{found}" for found in _operation(old, now[service], told, new))


def _operation(old: Json, new: Json, before: Json, now: Json) -> Iterator[str]:
    taken, sent = Comparison(old, new, sent=False), Comparison(old, new, sent=True)
    known = {(one["in"], one["name"]): one for one in before.get("parameters", [])}
    given = {(one["in"], one["name"]): one for one in now.get("parameters", [])}
    for place, one in known.items():
        if place not in given:
            yield f"/parameters/{one['name']}: the parameter is gone"
        else:
            yield from taken.run(one["schema"], given[place]["schema"], f"/parameters/{one['name']}")
    for place, one in given.items():
        if one.get("required") and not known.get(place, {}).get("required"):
            yield f"/parameters/{one['name']}: it became required"
    yield from _contents(taken, before.get("requestBody", {}), now.get("requestBody", {}), "/requestBody")
    if now.get("requestBody", {}).get("required") and not before.get("requestBody", {}).get("required"):
        yield "/requestBody: it became required"
    for status, told in before["responses"].items():
        if status not in now["responses"]:
            yield f"/responses/{status}: the reply is gone"
        else:
            yield from _contents(sent, told, now["responses"][status], f"/responses/{status}")


def _contents(comparison: Comparison, before: Json, now: Json, pointer: str) -> Iterator[str]:
    before, now = comparison.resolved(before, now)
    for kind, told in before.get("content", {}).items():
        place = f"{pointer}/content/{escaped(kind)}"
        if kind not in now.get("content", {}):
            yield f"{place}: it is gone"
        elif "schema" in told:
            yield from comparison.run(told["schema"], now["content"][kind].get("schema", {}), place)


class Comparison:
    """Two documents whose schemas are compared; `sent` says that we write what they describe."""

    def __init__(self, old: Json, new: Json, *, sent: bool) -> None:
        self._old, self._new, self._sent = old, new, sent

    def resolved(self, before: Json, now: Json) -> tuple[Json, Json]:
        """Both, with what their references point to."""
        return target(self._old, before), target(self._new, now)

    def run(self, before: Json, now: Json, pointer: str = "") -> Iterator[str]:
        """Every break between two schemas."""
        before, now = self.resolved(before, now)
        yield from (
            f"{pointer}/{word}: {before.get(word)} became {now.get(word)}"
            for word in self._changed(before, now)
        )
        fields = now.get("properties", {})
        for name, told in before.get("properties", {}).items():
            if name not in fields:
                yield f"{pointer}/properties/{name}: the field is gone"
            else:
                yield from self.run(told, fields[name], f"{pointer}/properties/{name}")
        for word in ("items", "additionalProperties"):
            if isinstance(before.get(word), Mapping):
                yield from self.run(before[word], now.get(word) or {}, f"{pointer}/{word}")
        kept, needed = set(before.get("required", ())), set(now.get("required", ()))
        for name in sorted(kept - needed if self._sent else needed - kept):
            told = "is no longer always there" if self._sent else "became required"
            yield f"{pointer}/properties/{name}: it {told}"

    def _changed(self, before: Json, now: Json) -> Iterator[str]:
        old, new = _kinds(before), _kinds(now)
        if not (old == new or (old < new and not self._sent)):
            yield "type"
        yield from (
            word for word in FIXED if before.get(word) != now.get(word) and (self._sent or word in now)
        )
        if set(before.get("enum", ())) - set(now.get("enum", before.get("enum", ()))):
            yield "enum"
        if not self._sent:
            yield from (word for word in LOWER if word in now and now[word] > before.get(word, now[word] - 1))
            yield from (word for word in UPPER if word in now and now[word] < before.get(word, now[word] + 1))


def _kinds(schema: Json) -> frozenset[str]:
    told = schema.get("type", [])
    return frozenset([told] if isinstance(told, str) else told)
