"""The whole recipe of a row: its own values over its table's, or the recipe of the row it is the same as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.spec.model import Recipe, Row, Table, Value
from repro.spec.profile import Profile

Plain = dict[str, dict[str, Any]]  # group -> key -> value, without marks


def merged(table: Table, row: Row) -> Recipe:
    """A row's recipe with its marks: a group of the same `name` is completed from the table's, another replaces it.

    A row that is `same_as` another has none of its own; resolve the other instead.
    """
    groups: Recipe = {}
    for group in [*table.recipe, *(extra for extra in row.recipe if extra not in table.recipe)]:
        theirs, own = table.recipe.get(group, {}), row.recipe.get(group, {})
        groups[group] = {**own} if _name(own) not in (None, _name(theirs)) else {**theirs, **own}
    return groups


def _name(group: Mapping[str, Value]) -> Any:
    return group["name"].value if "name" in group else None


def plain(recipe: Recipe) -> Plain:
    """The values alone."""
    return {group: {key: value.value for key, value in keys.items()} for group, keys in recipe.items()}


def resolve(tables: Mapping[str, Table], table: Table, row: Row) -> Recipe:
    """The marked recipe of any row, through `same_as` (which leads to a row with a recipe of its own)."""
    if row.same_as is None:
        return merged(table, row)
    other, _, name = row.same_as.partition("/")
    return merged(tables[other], next(candidate for candidate in tables[other].rows if candidate.id == name))


def dataset(profile: Profile, name: str) -> dict[str, Any]:
    """The recipe of what stands for one of the paper's data sets: its own values over those its module shares."""
    own = profile.datasets[name]
    return {**profile.shared.get(str(own.get("name")), {}), **own}
