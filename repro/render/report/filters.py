"""Controls above a part of the page; shown by the script that answers to them, so never dead."""

from __future__ import annotations

from collections.abc import Mapping

from repro.render.report.elements import Html, element, join

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
