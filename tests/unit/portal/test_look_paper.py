"""What papers of all rooms bear."""

from __future__ import annotations

from services.portal.look.paper import qr_code


def test_the_code_is_an_element_without_style_and_script_and_its_title_is_text() -> None:
    drawn = qr_code("https://x.test/decisions/1/paper?version=4", "<Mã>")
    assert drawn.startswith("<svg ")
    assert "style" not in drawn
    assert "script" not in drawn
    assert "&lt;Mã&gt;" in drawn
