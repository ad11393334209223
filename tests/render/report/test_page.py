"""The page as a whole: one file, nothing from anywhere, nothing that a name could slip in, the same bytes each time."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha256
from itertools import pairwise

import pytest

from repro.render.report.contents import Report
from repro.render.report.page import page
from tests.render.report.conftest import HOSTILE, PLAIN, SVG
from tests.render.report.tree import Node, read


@pytest.fixture
def text(report: Report) -> str:
    return page(report)


@pytest.fixture
def root(text: str) -> Node:
    return read(text)


def test_the_same_results_give_the_same_bytes(report: Report, text: str) -> None:
    assert page(report) == text
    assert text.startswith('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">')


def test_nothing_comes_from_anywhere_else(text: str, root: Node) -> None:
    assert not [node.name for node in root.all() if node.name in {"iframe", "object", "embed", "form", "base", "video"}]
    for node in root.all():
        for key in ("src", "href", "action", "srcset", "data", "formaction"):
            assert node.attributes.get(key, "#").startswith(("#", "data:"))
        assert not [key for key in node.attributes if key.startswith("on") or key == "style"]
    assert "@import" not in text
    assert not re.findall(r"url\(|https?://", text)


def test_the_policy_allows_this_style_and_this_script_alone(root: Node) -> None:
    policy = root.one("meta", http_equiv="Content-Security-Policy").attributes["content"]
    hashes = {
        name: b64encode(sha256(str(root.one(name).children[0]).encode()).digest()).decode()
        for name in ("style", "script")
    }
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{hashes['style']}'",
        f"script-src 'sha256-{hashes['script']}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_a_name_stays_a_name(text: str, root: Node) -> None:
    """Its tags are text, its control characters are gone; the page has one script and one style, its own."""
    assert HOSTILE not in text
    assert "\x1b" not in text
    assert (len(root.all("script")), len(root.all("style"))) == (1, 1)
    assert not root.all("b")
    table = root.one("table", class_="numbers")
    assert PLAIN in [node.text.removesuffix("no better side") for node in table.all("th", scope="colgroup")]
    assert root.one("img").attributes["alt"] == PLAIN


def test_there_is_a_place_for_every_link_and_no_id_twice(root: Node) -> None:
    ids = [node.attributes["id"] for node in root.all() if "id" in node.attributes]
    assert len(set(ids)) == len(ids)
    targets = {node.attributes["href"][1:] for node in root.all("a") if node.attributes["href"].startswith("#")}
    named = {
        node.attributes[key]
        for node in root.all()
        for key in ("popovertarget", "aria-labelledby")
        if key in node.attributes
    }
    assert (targets | named) - set(ids) == set()


def test_headings_go_down_one_step_at_a_time(root: Node) -> None:
    levels = [int(node.name[1]) for node in root.all() if re.fullmatch("h[1-6]", node.name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_landmarks_and_tables_have_names(root: Node) -> None:
    assert [len(root.all(name)) for name in ("header", "nav", "main", "h1", "title")] == [1, 1, 1, 1, 1]
    assert root.one("body").all("a")[0].attributes == {"href": "#main", "class": "skip"}
    assert [node.attributes["id"] for node in root.one("main").children if isinstance(node, Node)] == [
        "overview",
        "tables",
        "claims",
        "audit",
        "provenance",
    ]
    for table in root.all("table"):
        assert table.one("caption").text
        assert all(head.attributes.get("scope") for head in table.all("th"))
        assert all(head.text for head in table.one("thead").all("th"))


def test_each_part_has_its_entry_in_the_contents(root: Node) -> None:
    told = [(node.text, node.attributes["href"]) for node in root.one("nav").all("a")]
    assert told == [
        ("Overview", "#overview"),
        ("Tables and figures", "#tables"),
        ("Table 9", "#table9"),
        ("Claims", "#claims"),
        ("Audit", "#audit"),
        ("Provenance", "#provenance"),
    ]


def test_a_figure_is_an_image_with_words_and_numbers(root: Node) -> None:
    figure = root.one(id="table9").one("figure")
    image = figure.one("img").attributes["src"]
    assert b64decode(image.removeprefix("data:image/svg+xml;base64,")).decode() == SVG
    link = figure.one("a")
    assert link.attributes["download"] == "table9-figure.csv"
    assert b64decode(link.attributes["href"].partition(",")[2]) == b"x,y\n1,2\n"
    assert figure.one("figcaption").text.startswith(f"Accuracy {PLAIN}")


def test_controls_wait_for_the_script(root: Node) -> None:
    """Without it nothing is dead: filters are hidden, heads are no buttons yet, and panels open by themselves."""
    assert [node.attributes["data-of"] for node in root.all(class_="filters")] == ["tables", "claims", "audit"]
    assert all("hidden" in node.attributes for node in root.all(class_="filters"))
    assert not [node for head in root.all("thead") for node in head.all("button")]
    buttons = root.all("button", class_="cell")
    assert len(buttons) == 12
    assert all(root.one(id=button.attributes["popovertarget"]).attributes["popover"] == "auto" for button in buttons)
