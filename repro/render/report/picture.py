"""A drawn figure on the page: an image with its words and its numbers."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from repro.render.report.elements import Html, element


@dataclass(frozen=True)
class Picture:
    """A figure as it was drawn: SVG text, the numbers behind its axes as CSV, and what it shows in words (`alt`)."""

    title: str
    svg: str
    caption: str
    csv: str
    alt: str


def figure(name: str, picture: Picture) -> Html:
    """The figure called `name`, as an image of its own: ids of one drawing cannot meet those of another, nor act."""
    return element(
        "figure",
        element("img", src=data("image/svg+xml", picture.svg), alt=picture.alt),
        element(
            "figcaption",
            element("strong", picture.title),
            " ",
            picture.caption,
            " ",
            download(f"{name}-figure.csv", picture.csv, "the numbers behind it (CSV)"),
        ),
    )


def download(name: str, csv: str, words: str) -> Html:
    """A link that saves a CSV file."""
    return element("a", words, href=data("text/csv;charset=utf-8", csv), download=name)


def data(kind: str, content: str) -> str:
    """A file as the address of itself.

    >>> data("text/plain", "a")
    'data:text/plain;base64,YQ=='
    """
    return f"data:{kind};base64,{b64encode(content.encode()).decode('ascii')}"
