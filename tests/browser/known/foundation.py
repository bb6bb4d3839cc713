"""The pages of the foundation."""

from __future__ import annotations

from tests.browser.known.knowing import Ask, Known

NO_PAGES = frozenset({"entrance.elsewhere", "entrance.returned"})  # they lead to another issuer and back


def pages(ask: Ask) -> dict[str, Known]:
    """By endpoint: who looks, where, and one fact that must stand there."""
    newest = ask("cs.502", "notifications", "/v1/messages")["items"][0]["subject"]
    return {
        "home.home": Known("cs.502", "/", newest),
        "entrance.sign_in": Known(None, "/sign-in?next=/account", "Tên đăng nhập"),
        "entrance.account": Known("cs.502", "/account", "Cán bộ chính sách Thành phố Tam Kỳ (minh họa)"),
        "showcase.design": Known(None, "/design", "123.456.789.012"),
    }
