"""The whole page: one file that asks nobody for anything, with the same bytes for the same results."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from repro.render.report.claims import claims
from repro.render.report.contents import Report
from repro.render.report.elements import Html, element, join, link
from repro.render.report.overview import overview
from repro.render.report.provenance import provenance
from repro.render.report.remarks import remarks
from repro.render.report.tables import tables

PARTS = {
    "overview": "Overview",
    "tables": "Tables and figures",
    "claims": "Claims",
    "audit": "Audit",
    "provenance": "Provenance",
}
SCHEMES = {"auto": "as the system", "light": "light", "dark": "dark"}


def page(report: Report) -> str:
    """The report as HTML text."""
    board = report.chapters[0].board
    style, script = _asset("page.css") + _asset("print.css"), _asset("page.js")
    title = f"Report: profile {board.profile.id}{f', {board.leg}' if board.leg else ''}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy(style, script)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        element("style", Html(style)),
    )
    body = element(
        "body",
        element("a", "Skip to the content", href="#main", class_="skip"),
        element("header", element("h1", title), _schemes()),
        _contents(report),
        element(
            "main",
            overview(report),
            tables(report),
            claims(report),
            remarks(report),
            provenance(report),
            id="main",
            tabindex=-1,
        ),
        element("script", Html(script)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def policy(style: str, script: str) -> str:
    """What the page may do: its own style, its own script, images inside it; nothing from anywhere.

    Source: W3C Content Security Policy Level 3, hash-source.
    """
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode('ascii')}"


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _schemes() -> Html:
    """A choice of colours that needs no script and is forgotten when the page is closed."""
    choices = [
        element(
            "label",
            element(
                "input",
                type="radio",
                name="scheme",
                id=f"scheme-{name}",
                value=name,
                checked=name == "auto",
                autocomplete="off",
            ),
            f" {told}",
        )
        for name, told in SCHEMES.items()
    ]
    return element("fieldset", element("legend", "Colours"), *choices, class_="schemes")


def _contents(report: Report) -> Html:
    """The list of parts, with tables and figures below theirs."""
    inner = element("ul", *(element("li", link(one.id, one.board.table.title)) for one in report.chapters))
    items = [element("li", link(name, told), inner if name == "tables" else "") for name, told in PARTS.items()]
    return element("nav", element("ul", join(*items)), aria_label="Contents")
