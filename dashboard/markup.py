"""HTML in which everything that is not made here is text: names, reasons and cells come from files of strangers.

Streamlit's own text elements read Markdown, LaTeX and colour directives, so what comes from data never goes through
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from lake.words import clean

LONGEST = 2_000  # characters of one cell


class Html(str):
    """Markup that was made here."""

    __slots__ = ()


def text(value: object) -> Html:
    """A value as one printable line of text, with nothing in it that a browser would act on. An outer space stays."""
    said = str(value)
    before, after = " " * said[:1].isspace(), " " * said[-1:].isspace()
    return Html(escape(f"{before}{clean(said, LONGEST)}{after}", quote=True))


def element(tag: str, *children: object, **attributes: str) -> Html:
    """`<tag attributes>children</tag>`; children and attributes are text unless they are Html.

    `class_` is the attribute class, and `aria_label` is aria-label.
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{text(value)}"' for name, value in attributes.items() if value
    )
    return Html(f"<{tag}{given}>{join(children)}</{tag}>")


def join(children: Iterable[object]) -> Html:
    return Html("".join(child if isinstance(child, Html) else text(child) for child in children))


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]], numeric: Sequence[str] = ()) -> Html:
    """A table with a caption that a screen reader says first. It scrolls by itself where the screen is narrow.

    None is shown as an empty cell. `numeric` names the columns that align right.
    """

    def cells(row: Sequence[object]) -> Html:
        parts = []
        for place, (name, value) in enumerate(zip(columns, row)):
            style = "number" if name in numeric else ""
            shown = "" if value is None else value
            if place == 0:
                parts.append(element("th", shown, scope="row", class_=style))
            else:
                parts.append(element("td", shown, class_=style))
        return element("tr", *parts)

    head = element(
        "tr", *(element("th", name, scope="col", class_="number" if name in numeric else "") for name in columns)
    )
    whole = element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", *(cells(row) for row in rows)),
    )
    return element("div", whole, class_="scroll", role="region", tabindex="0", aria_label=caption)
