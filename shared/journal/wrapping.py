"""The short way from a journal row to the record that carries it.

A backlog is hundreds of thousands of rows, and most of a record is the same for each of them. The long way is
`Envelope.to_cloud_event` and `cloud_events.to_record`; tests hold both to the same result.
"""

from __future__ import annotations

from shared.bus import cloud_events
from shared.bus.port import Record
from shared.journal.envelope import OPTIONAL_TEXTS, Envelope
from shared.kernel import canonical

DATA_TYPE = "application/json"

_ID, _TYPE, _TIME, _SUBJECT, _KEY, _SEQUENCE, _EPOCH, _RECORDED, _ACTOR, _BACKDATED, _SUBJECTS = [
    cloud_events.header(attribute)
    for attribute in (
        *("id", "type", "time", "subject", "partitionkey", "sequence", "epoch"),
        *("recordedtime", "actor", "backdated", "subjects"),
    )
]
_OPTIONAL = tuple([cloud_events.header(attribute) for attribute in OPTIONAL_TEXTS.values()])
_VERSION = (cloud_events.header("specversion"), cloud_events.SPEC_VERSION.encode())
_DATA_TYPE = (cloud_events.header("datacontenttype"), DATA_TYPE.encode())
_TRUE, _FALSE = (_BACKDATED, b"true"), (_BACKDATED, b"false")


class Wrapping:
    """Wraps rows of one service for one topic, stamped with the id of the topic that they are meant for."""

    def __init__(self, source: str, topic: str, topic_id: str) -> None:
        self._topic = topic
        self._source = (cloud_events.header("source"), f"/{source}".encode())
        self._stamp = (cloud_events.header("topicid"), topic_id.encode())

    def record(self, item: Envelope) -> Record:
        """The record that carries a row of the service."""
        key = item.key.encode()
        headers = (
            _VERSION,
            (_ID, item.id.encode()),
            self._source,
            (_TYPE, item.type.encode()),
            (_TIME, canonical.instant_bytes(item.occurred_at)),
            (_SUBJECT, key),
            _DATA_TYPE,
            (_KEY, key),
            (_SEQUENCE, b"%d" % item.position),
            (_EPOCH, b"%d" % item.epoch),
            (_RECORDED, canonical.instant_bytes(item.recorded_at)),
            (_ACTOR, item.actor.encode()),
            _TRUE if item.backdated else _FALSE,
            (_SUBJECTS, canonical.encode_plain(item.subjects)),
            self._stamp,
        )
        texts = zip(_OPTIONAL, item[-len(_OPTIONAL) :], strict=True)
        known = [(name, value.encode()) for name, value in texts if isinstance(value, str)]
        return Record(self._topic, item.key, (*headers, *known) if known else headers, item.data)
