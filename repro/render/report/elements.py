"""HTML put together so that no text of a spec or a record can be taken for markup."""

from __future__ import annotations

from html import escape
from typing import TypeAlias

from repro.render.printable import printable

Attribute: TypeAlias = "str | int | bool | None"
VOID = frozenset({"br", "img", "input", "link", "meta"})


class Html(str):
    """Text that is HTML already; any other text is escaped where it meets an element."""

    __slots__ = ()


def text(child: object) -> Html:
    """A child as HTML: text loses its control characters and what would be read as a tag; None is nothing.

    >>> text("<b>"), text(Html("<b>")), text(None)
    ('&lt;b&gt;', '<b>', '')
    """
    if isinstance(child, Html):
        return child
    return Html("" if child is None else escape(printable(str(child))))


def join(*children: object) -> Html:
    """Several children, one after the other."""
    return Html("".join(map(text, children)))


def element(name: str, /, *children: object, **attributes: Attribute) -> Html:
    """One element; `class_` is written class, `aria_label` aria-label, and what is None or False is left out.

    >>> element("td", "a < b", class_="number", data_value=3, hidden=None)
    '<td class="number" data-value="3">a &lt; b</td>'
    """
    head = "".join([name, *(_attribute(key, value) for key, value in attributes.items())])
    return Html(f"<{head}>" if name in VOID else f"<{head}>{join(*children)}</{name}>")


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    written = key.rstrip("_").replace("_", "-")
    return f" {written}" if value is True else f' {written}="{text(value)}"'


def link(target: str, *children: object) -> Html:
    """A link to a place of this page, by the id of that place."""
    return element("a", *children, href=f"#{target}")


def hidden(*children: object) -> Html:
    """Words for those who hear the page."""
    return element("span", *children, class_="heard")


def counted(number: int, what: str) -> str:
    """So many of something.

    >>> counted(1, "row"), counted(1400, "job")
    ('1 row', '1,400 jobs')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"
