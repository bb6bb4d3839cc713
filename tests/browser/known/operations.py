"""The pages of operations; those of one message are looked at where a message is put aside."""

from __future__ import annotations

from tests.browser.known.knowing import Ask, Known

NO_PAGES = frozenset({"operations.message", "operations.ask_to_settle"})


def pages(_: Ask) -> dict[str, Known]:
    """By endpoint: who looks, where, and one fact that must stand there."""
    return {
        "operations.health": Known("admin", "/operations", "Chưa vào nhật ký kiểm chứng"),
        "operations.quarantine": Known("admin", "/operations/quarantine/portal", "Không có bản tin nào"),
    }
