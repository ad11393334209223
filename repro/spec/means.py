"""What a schema cannot say of a profile: rules name parts of recipes, data sets are modules with whole recipes."""

from __future__ import annotations

from repro.spec import families, numbers, recipes
from repro.spec.places import Faults, Place, listed, nearest
from repro.spec.profile import Expected, Profile


def profile(spec: Profile, stem: str, faults: Faults) -> None:
    """Check a profile: its rules name parts of recipes, its data sets are modules with whole recipes."""
    if spec.id != stem:
        faults.add(("id",), f'expected id "{stem}", the name of the file, found "{spec.id}"')
    for key, rule in spec.scale.items():
        given = [mark for mark in (rule.set, rule.multiply, rule.map) if mark is not None]
        if len(given) != 1:
            faults.add(("scale", key), f'scale "{key}": expected exactly one of set, multiply, map, found {len(given)}')
        _target(key, faults)
    known = families.members("datasets")
    for dataset, keys in spec.datasets.items():
        place = ("datasets", dataset)
        name = keys.get("name")
        if name not in known:
            faults.add(place, f'data set "{dataset}": ' + families.unknown("name", str(name), "datasets", known))
            continue
        fields = families.fields("datasets", str(name))
        keys = recipes.dataset(spec, dataset)
        _made_of(spec, dataset, faults)
        for key in keys.keys() - fields.keys() - {"name"}:
            faults.add(
                (*place, key),
                f'data set "{dataset}": unknown key "{key}"; expected {listed(fields)}{nearest(key, fields)}',
            )
        for key, annotation in fields.items():
            if key not in keys:
                faults.add(place, f'data set "{dataset}": {key} ({annotation}) is missing')
            elif not families.fits(keys[key], annotation):
                faults.add((*place, key), f'data set "{dataset}": {key}: expected {annotation}, found {keys[key]!r}')
            elif isinstance(keys[key], str) and keys[key].startswith("$") and keys[key][1:] not in spec.data:
                faults.add(
                    (*place, key),
                    f'data set "{dataset}": {key}: "{keys[key][1:]}" is not in [data] ({listed(spec.data)})',
                )


def expected(one: Expected, place: Place, faults: Faults) -> None:
    """Check expected numbers: each is a mean with its deviation, and no seed counts twice."""
    if len(set(one.seeds)) < len(one.seeds):
        faults.add((*place, "seeds"), f"expected seeds that differ, found {listed(map(str, one.seeds))}")
    for row, cells in one.cells.items():
        for column, text in cells.items():
            try:
                if numbers.parse_reported(text).std is None:
                    raise ValueError(f'expected a mean and its deviation, such as "69.83 ± 3.29", found "{text}"')
            except ValueError as error:
                faults.add((*place, "cells", row, column), f'row "{row}", column "{column}": {error}')


def _target(key: str, faults: Faults) -> None:
    """What a rule of a profile is for: `group`, `group.key`, or either of `group=name`."""
    group, _, name = key.split(".")[0].partition("=")
    if group not in (*families.GROUPS, *families.ASKED):
        known = f"groups are {listed(families.GROUPS)}{nearest(group, families.GROUPS)}"
        faults.add(("scale", key), f'scale "{key}": expected "group.key" of a recipe, {known}')
    elif name and name not in families.members(families.folder(group)):
        members = families.members(families.folder(group))
        faults.add(("scale", key), f'scale "{key}": ' + families.unknown(group, name, families.folder(group), members))


def _made_of(spec: Profile, dataset: str, faults: Faults) -> None:
    """A data set made of another one: the other is there, and not made of this one."""
    met, current = [dataset], spec.datasets[dataset].get("of")
    while current is not None:
        if not isinstance(current, str) or current not in spec.datasets:
            known = f"expected one of [datasets]{nearest(str(current), spec.datasets)}"
            faults.add(("datasets", met[-1], "of"), f'data set "{met[-1]}": of: "{current}" is not there; {known}')
            return
        if current in met:
            faults.add(("datasets", dataset, "of"), f'data set "{dataset}" is made of itself, by way of {listed(met)}')
            return
        met.append(str(current))
        current = spec.datasets[str(current)].get("of")
