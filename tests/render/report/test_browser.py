"""The page in a real browser: sorting, filters, panels, both schemes, paper, no request, no script, small and large."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.render.report import browser
from tests.render.report.browser import Browser

pytestmark = pytest.mark.skipif(browser.DRIVER is None or browser.CHROMIUM is None, reason=browser.MISSING)
HERE = Path(__file__).parent
CELL = '#table9 button.cell[popovertarget="table9/row-{row}:{column}"]'
OPEN = "return [...document.querySelectorAll(':popover-open')].map((one) => one.id)"
LEFT = """return [...document.querySelectorAll('#{} tr[data-row]:not([hidden])')]
    .map((one) => one.querySelector('th').textContent)"""


def until(look: Callable[[], Any], expected: Any) -> None:
    """Look until it is so, for two seconds at most."""
    for _ in range(40):
        if look() == expected:
            return
        time.sleep(0.05)
    assert look() == expected


def column(seen: Browser, place: int) -> list[str]:
    """What a column of the table shows, from above."""
    script = """return [...document.querySelectorAll('#table9 .numbers tbody tr')]
        .map((row) => row.cells[arguments[0]].textContent)"""
    return list(seen.run(script, place))


def test_nothing_is_asked_of_anybody_and_nothing_is_complained_of(seen: Browser) -> None:
    seen.run("location.reload()")
    until(lambda: seen.run("return document.readyState"), "complete")
    messages = [json.loads(entry["message"])["message"] for entry in seen.log("performance")]
    asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    assert any(url.endswith("/page.html") for url in asked)
    assert [url for url in asked if not url.endswith("/page.html") and not url.startswith("data:")] == []
    assert seen.log("browser") == []


def test_the_policy_stops_what_is_not_of_the_page(seen: Browser) -> None:
    seen.run(
        "const one = document.createElement('script'); one.textContent = 'window.came = 1'; document.body.append(one)"
    )
    assert seen.run("return window.came") is None
    assert "Content Security Policy" in seen.log("browser")[0]["message"]


def test_a_head_sorts_up_then_down_then_as_it_was(seen: Browser) -> None:
    before = column(seen, 0)
    head = "#table9 .numbers th:has(button.sort)[data-sort='0'] button"
    aria = "return document.querySelector('#table9 .numbers th[data-sort=\"0\"]').getAttribute('aria-sort')"
    for order in ("ascending", "descending"):
        seen.click(head)
        assert seen.run(aria) == order
        assert column(seen, 0) == sorted(before, reverse=order == "descending")
    seen.click(head)
    assert (seen.run(aria), column(seen, 0)) == (None, before)


def test_numbers_sort_as_numbers_and_what_has_none_comes_last(seen: Browser) -> None:
    seen.run(
        """[...document.querySelectorAll('#table9 .numbers tbody tr')].slice(0, 2)
            .forEach((row, place) => { row.cells[4].dataset.value = 9 + place })"""
    )
    for names in (["Row 0row-0", "Row 1row-1"], ["Row 1row-1", "Row 0row-0"]):
        seen.click("#table9 .numbers th[data-sort='4'] button")
        found = column(seen, 0)
        assert found[:2] == names
        assert "Row 2row-2" in found[2:]  # its cell was not run


def test_words_and_verdicts_filter_and_the_rest_is_told(seen: Browser) -> None:
    told = "return document.querySelector('.filters[data-of=tables] output').textContent"
    assert seen.run(told) == "4 of 4 rows"
    seen.type(".filters[data-of=tables] input", "row-2 table")
    assert seen.run(LEFT.format("tables")) == ["Row 2row-2"]
    assert seen.run(told) == "1 of 4 rows"
    seen.click(".filters[data-of=tables] [data-reset]")
    seen.click(".filters[data-of=tables] option[value=differs]")
    assert seen.run(LEFT.format("tables")) == ["Row 1row-1"]
    seen.type(".filters[data-of=tables] input", "nothing has this")
    assert seen.run("return document.querySelector('#table9 .none').checkVisibility()")
    seen.click(".filters[data-of=tables] [data-reset]")
    assert seen.run(told) == "4 of 4 rows"
    assert not seen.run("return document.querySelector('#table9 .none').checkVisibility()")


def test_claims_and_remarks_are_filtered_by_standing_severity_and_table(seen: Browser) -> None:
    seen.click(".filters[data-of=claims] [data-key=ours] option[value=undecided]")
    assert seen.run(LEFT.format("claims")) == ["C2"]
    seen.click(".filters[data-of=audit] [data-key=severity] option[value=L]")
    assert seen.run(LEFT.format("audit")) == ["A2"]
    seen.click("#table9 .links a[href='#claims']")
    assert seen.run("return document.querySelector('.filters[data-of=claims] [data-key=table]').value") == "table9"
    seen.run("location.hash = 'claim/table9/C1'")  # hidden by the filter
    until(lambda: seen.run(LEFT.format("claims")), ["C1", "C2", "C3"])


def test_a_pointer_on_a_number_shows_what_is_known_of_it(seen: Browser) -> None:
    seen.hover(CELL.format(row=0, column="one"))
    until(lambda: seen.run(OPEN), ["table9/row-0:one"])
    text = seen.run("return document.querySelector(':popover-open').innerText")
    assert "77.89 ± 0.25 (n = 3)" in text
    assert "repro run table9" in text
    seen.hover("nav a")
    until(lambda: seen.run(OPEN), [])


def test_a_keyboard_walks_over_numbers_opens_one_and_comes_back(seen: Browser) -> None:
    active = "return document.activeElement.getAttribute('popovertarget') || document.activeElement.id"
    seen.run("document.querySelector('#table9 .numbers').closest('.scroll').focus()")
    for _ in range(7):  # six heads, then the first number
        seen.press("Tab")
    assert seen.run(active) == "table9/row-0:one"
    assert seen.run(OPEN) == ["table9/row-0:one"]  # shown, and not walked through
    seen.press("Tab")
    assert (seen.run(active), seen.run(OPEN)) == ("table9/row-0:two", ["table9/row-0:two"])
    seen.press("Down")
    assert (seen.run(active), seen.run(OPEN)) == ("table9/row-1:two", ["table9/row-1:two"])
    seen.press("Enter")
    assert seen.run("return document.activeElement.matches(':popover-open')")
    seen.press("Tab", "Tab", "Tab")  # a link, the copy button, the close button
    assert seen.run("return document.activeElement.textContent") == "Close"
    seen.press("Escape")
    assert (seen.run(active), seen.run(OPEN)) == ("table9/row-1:two", [])
    seen.press("Enter", "Tab", "Tab", "Tab", "Tab")
    assert seen.run(OPEN) in ([], [seen.run(active)])  # no trap: the panel that was left is closed


def test_a_press_keeps_a_panel_until_it_is_closed(seen: Browser) -> None:
    seen.click(CELL.format(row=1, column="one"))
    assert seen.run(OPEN) == ["table9/row-1:one"]
    seen.hover(CELL.format(row=0, column="one"))
    time.sleep(0.5)
    assert seen.run(OPEN) == ["table9/row-1:one"]
    seen.click(":popover-open .close")
    assert seen.run(OPEN) == []
    for row in (0, 1):  # another one takes its place
        seen.click(CELL.format(row=row, column="one"))
    until(lambda: seen.run(OPEN), ["table9/row-1:one"])
    seen.click(":popover-open a")
    until(lambda: seen.run(OPEN), [])
    assert seen.run("return location.hash") == "#table9/provenance"


def test_a_panel_stays_inside_the_window(seen: Browser) -> None:
    inside = """const box = document.querySelector(':popover-open').getBoundingClientRect();
        return [box.left >= 0, box.top >= 0, box.right <= innerWidth, box.bottom <= innerHeight]"""
    for width in (1600, 800, 360):
        seen.wide(width, 640)
        for place in (CELL.format(row=0, column="one"), CELL.format(row=3, column="cos")):
            seen.run("document.querySelector(arguments[0]).scrollIntoView({block: 'end'})", place)
            seen.click(place)
            assert seen.run(inside) == [True] * 4, (width, place)
            seen.press("Escape")


def test_the_line_is_copied(seen: Browser) -> None:
    seen.tell("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    seen.click(CELL.format(row=0, column="one"))
    line = seen.run("return document.querySelector(':popover-open [data-copy]').textContent")
    seen.click(":popover-open .copy")
    status = "return document.querySelector(':popover-open [role=status]').textContent"
    until(lambda: seen.run(status), "copied")
    assert seen.run("return navigator.clipboard.readText()") == line


def test_where_copying_is_refused_the_line_is_chosen(seen: Browser) -> None:
    seen.run("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
    seen.click(CELL.format(row=0, column="one"))
    seen.click(":popover-open .copy")
    line = seen.run("return document.querySelector(':popover-open [data-copy]').textContent")
    until(lambda: seen.run("return getSelection().toString().replace(/\\n/g, '')"), line)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_both_schemes(seen: Browser, scheme: str) -> None:
    seen.media(prefers_color_scheme=scheme)
    seen.run("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    script = (HERE / "contrast.js").read_text(encoding="utf-8")
    count, found = seen.run(script)
    assert found == []
    assert count > 300
    seen.click(CELL.format(row=0, column="two"))
    assert seen.run(script)[1] == []


def test_the_switch_of_colours_is_stronger_than_the_system(seen: Browser) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = seen.run(ground)
    seen.click("#scheme-dark")
    dark = seen.run(ground)
    assert light == "rgb(255, 255, 255)"
    assert dark != light
    seen.media(prefers_color_scheme="dark")
    seen.click("#scheme-light")
    assert seen.run(ground) == light
    seen.click("#scheme-auto")
    assert seen.run(ground) == dark
    assert seen.run("return [localStorage.length, document.cookie]") == [0, ""]


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_everybody_can_use_it_as_far_as_a_machine_sees(seen: Browser, width: int) -> None:
    seen.wide(width)
    seen.run("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    found = seen.run((HERE / "access.js").read_text(encoding="utf-8"))
    assert found == {
        "unnamed": [],
        "headings": [],
        "first": 1,
        "images": 0,
        "jumps": 0,
        "language": "en",
        "small": 0,
    }


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_tables_scroll_in_their_own_box(seen: Browser, width: int) -> None:
    seen.wide(width)
    seen.run("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert seen.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_without_scripts_all_is_there_and_panels_open(seen: Browser, tmp_path: Path) -> None:
    seen.scripts(are_on=False)
    seen.open(tmp_path / "page.html")
    assert not seen.run("return document.querySelector('.filters').checkVisibility()")
    assert not seen.run("return document.querySelector('button.sort')")
    seen.click(CELL.format(row=0, column="one"))
    assert seen.run(OPEN) == ["table9/row-0:one"]
    seen.click(":popover-open .close")
    assert seen.run(OPEN) == []
    seen.click("#claims summary")
    assert seen.run("return document.querySelector('#claims details').open")
    seen.click("#scheme-dark")
    assert seen.run("return getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
