"""What papers of all rooms share."""

from __future__ import annotations

from flask import Flask
from flask_babel import Babel

from services.portal.look.formats import whole
from services.portal.look.language import words, words_in
from services.portal.look.paper import on_paper, qr_code


def test_the_code_is_an_element_without_style_and_script_and_its_title_is_text() -> None:
    drawn = qr_code("https://x.test/decisions/1/paper?version=4", "<Mã>")
    assert drawn.startswith("<svg ")
    assert "style" not in drawn
    assert "script" not in drawn
    assert "&lt;Mã&gt;" in drawn


def test_a_paper_is_in_vietnamese_and_what_stands_beside_it_in_the_language_of_its_reader() -> None:
    app = Flask("paper")
    Babel(app, default_locale="vi", locale_selector=lambda: "en")
    with app.test_request_context("/"):
        assert (words("months.paper_carried"), whole(1_234)) == ("Carried from the page before", "1,234")
        with on_paper() as aside:
            assert words("months.paper_carried") == "Số tiền trang trước chuyển sang"
            assert whole(1_234) == "1.234"
            assert aside.language == "en"
            assert aside("months.back") == words_in("en", "months.back") != words("months.back")
            assert aside("months.paper_parts", sheets=3).startswith("The list has 3 sheets")
        assert whole(1_234) == "1,234"
