"""A paper-scale recipe on a profile's means: each change is a rule of the profile, with its reason."""

from __future__ import annotations

from typing import Any

from repro.errors import SpecError
from repro.spec.profile import Profile, Rule
from repro.spec.recipes import Plain


def scale(recipe: Plain, profile: Profile) -> Plain:
    """Apply the profile's rules in their order: `group` replaces a group, `group.key` changes one value where it is.

    `group=name` stands for the group where the paper's recipe has that name: `optimizer=adam.lr`.

    Raises `SpecError` where a `map` has no entry for the paper's value.
    """
    scaled = {group: dict(keys) for group, keys in recipe.items()}
    for target, rule in profile.scale.items():
        chosen, _, key = target.partition(".")
        group, _, name = chosen.partition("=")
        if group not in scaled or (name and recipe[group].get("name") != name):
            continue
        if not key:
            scaled[group] = dict(rule.set)
        elif key in scaled[group]:
            scaled[group][key] = _changed(scaled[group][key], rule, f'profile "{profile.id}", scale "{target}"')
    return scaled


def _changed(value: Any, rule: Rule, where: str) -> Any:
    if rule.multiply is not None:
        return _times(value, rule.multiply)
    if rule.map is not None:
        if str(value) not in rule.map:
            raise SpecError([f"{where}: no entry for the paper's value {value}; there are {', '.join(rule.map)}"])
        return rule.map[str(value)]
    return rule.set


def _times(value: Any, factor: float) -> Any:
    """A number, or each of a list, times a factor; whole numbers stay whole, rounded, and at least 1.

    >>> _times([16, 72], 32 / 224), _times(0.03, 2.0)
    ([2, 10], 0.06)
    """
    if isinstance(value, list):
        return [_times(part, factor) for part in value]
    return max(1, round(value * factor)) if isinstance(value, int) else value * factor
