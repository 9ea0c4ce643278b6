"""What comes from files is text on the page, whatever it says."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from dashboard.markup import Html, element, table, text

from .fakes import NASTY


class Seen(HTMLParser):
    """Tags, attributes and text as a browser takes them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("value", [NASTY, '"><img src=x onerror=alert(1)>', "&lt;b&gt;", "</td></table><h1>x"])
def test_a_value_is_text_as_a_cell_a_caption_and_an_attribute(value):
    page = Seen(table(value, ("name",), [(value,)]))

    assert page.tags == ["div", "table", "caption", "thead", "tr", "th", "tbody", "tr", "th"]
    assert page.text == value + "name" + value
    assert {name for name, _ in page.attributes} <= {"class", "role", "tabindex", "aria-label", "scope"}
    assert ("aria-label", value) in page.attributes


def test_control_characters_and_direction_marks_do_not_pass():
    assert text("a\x1b[31m\u202eb\nc") == "a [31m b c"


def test_the_space_between_two_parts_of_a_sentence_stays():
    assert element("p", "file", ": ", "loaded") == "<p>file: loaded</p>"


def test_only_markup_made_here_stays_markup():
    assert element("p", Html("<b>x</b>"), "<b>y</b>") == "<p><b>x</b>&lt;b&gt;y&lt;/b&gt;</p>"


def test_a_null_is_an_empty_cell_and_a_zero_is_not():
    assert "<td></td><td>0</td>" in table("t", ("a", "b", "c"), [("x", None, 0)])
