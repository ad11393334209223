"""Controls above a part of the page, shown by the script that answers to them, so never dead; and such parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro.render.report.elements import Html, element, join
from repro.render.report.grid import boxed

Choices = Mapping[str, tuple[str, Mapping[str, str]]]  # key of the rows' data -> label, value -> words


def bar(part: str, one: str, many: str, choices: Choices) -> Html:
    """A field for words, a choice for each key, and a line that says how many rows are left."""
    selects = [
        element(
            "label",
            f"{label} ",
            element(
                "select",
                element("option", "any", value=""),
                *(element("option", told, value=value) for value, told in values.items()),
                data_key=key,
                autocomplete="off",
            ),
        )
        for key, (label, values) in choices.items()
    ]
    search = element("input", type="search", autocomplete="off", spellcheck="false")
    return element(
        "div",
        element("label", "with the words ", search),
        join(*selects),
        element("button", "Show all", type="button", data_reset=True),
        element("output", data_one=one, data_many=many, aria_live="polite"),
        class_="filters",
        data_of=part,
        role="search",
        aria_label=f"Filter of {part}",
        hidden=True,
    )


def chosen(part: str, table: str, words: str) -> Html:
    """A link to what a part says of one table; with the script it chooses that table there."""
    return element("a", words, href=f"#{part}", data_table=table)


def section(
    part: str,
    *,
    title: str,
    told: str,
    heads: Sequence[str],
    rows: Sequence[Html],
    of: tuple[str, str],  # what a row is, one and many
    choices: Choices,
    empty: str,  # said where there are no rows
) -> Html:
    """A part of the page that is one table with controls; every head sorts it."""
    one, many = of
    name = many.capitalize()
    head = element("tr", *(element("th", name, scope="col", data_sort=place) for place, name in enumerate(heads)))
    table = element(
        "table",
        element("caption", name),
        element("thead", head),
        element("tbody", *rows),
        class_="told",
        data_sortable=True,
    )
    return element(
        "section",
        element("h2", title, id=f"{part}-head"),
        element("p", told),
        bar(part, one, many, choices),
        boxed(name, table) if rows else "",
        element("p", f"No {one} is left by the filter." if rows else empty, hidden=bool(rows), class_="none"),
        id=part,
        aria_labelledby=f"{part}-head",
    )
