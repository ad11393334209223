"""From TOML files to tables, figures, profiles and checkpoints; every fault of every file is reported in one pass."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from repro.errors import SpecError, UsageError
from repro.spec import check, cluster, home, lists, locations, means, model
from repro.spec.checkpoint import Checkpoint, Checkpoints
from repro.spec.places import Faults, Place, listed, name_of, nearest, short, step_into
from repro.spec.profile import Expected, ExpectedFile, Profile

Kind = TypeVar("Kind", bound=BaseModel)


@dataclass(frozen=True)
class Specs:
    """Everything that people wrote: tables and figures by id, in the paper's order."""

    tables: Mapping[str, model.Table]
    paths: Mapping[str, Path]

    def table(self, name: str) -> model.Table:
        """The table or figure of that id, or a sentence with the nearest one."""
        if name not in self.tables:
            known = list(self.tables)
            raise UsageError(f'no table or figure "{name}"; there are {listed(known)}{nearest(name, known)}')
        return self.tables[name]

    def row(self, reference: str) -> tuple[model.Table, model.Row]:
        """The table and row behind `table1/moco-k16384`."""
        name, _, row = reference.partition("/")
        table = self.table(name)
        return table, next(candidate for candidate in table.rows if candidate.id == row)

    @cached_property
    def checkpoints(self) -> Checkpoints:
        """The list of weight files, read when first asked for; the user's own beside the weights counts too."""
        return checkpoints(self.tables, locations.load().weights)


def specs() -> Specs:
    """Load and check every table and figure.

    Raises `SpecError` with one line for each fault of each file.
    """
    paths = {**home.files("tables"), **home.files("figures")}
    tables: dict[str, model.Table] = {}
    faults: dict[str, Faults] = {}
    for stem, path in paths.items():
        faults[stem], table = _read(path, model.Table)
        if table is not None:
            tables[stem] = table
    for stem, table in tables.items():
        check.table(table, stem, tables, faults[stem])
    _raise(list(faults.values()))
    return Specs(tables, paths)


def profile(name: str) -> Profile:
    """Load a profile by name (`mini`) or by file (`my.toml`)."""
    known = home.files("profiles")
    path = Path(name) if name.endswith(".toml") else known.get(name)
    if path is None or not path.is_file():
        raise UsageError(f'no profile "{name}"; there are {listed(known)}, or name a .toml file{nearest(name, known)}')
    faults, found = _read(path, Profile)
    if found is not None:
        means.profile(found, path.stem, faults)
    _raise([faults])
    assert found is not None
    numbers = path.parent / "expected" / path.name
    return found.model_copy(update={"expected": _expected(numbers)}) if numbers.is_file() else found


def slurm() -> cluster.Cluster:
    """Load what a SLURM cluster is asked for; raises `SpecError`, a line for each fault."""
    faults, found = _read(cluster.path(), cluster.Cluster)
    if found is not None:
        cluster.check(found, faults)
    _raise([faults])
    assert found is not None
    return found


def _expected(path: Path) -> dict[str, Expected]:
    """The numbers expected of a profile; whether a table has such cells is seen where it is judged."""
    faults, found = _read(path, ExpectedFile)
    for table, one in found.tables.items() if found else ():
        means.expected(one, ("tables", table), faults)
    _raise([faults])
    assert found is not None
    return found.tables


def checkpoints(tables: Mapping[str, model.Table], weights: Path) -> Checkpoints:
    """Every weight file of the shipped list and of the user's own, `weights` being the folder of the files.

    An entry of the user's wins over the shipped one of its name, and stands behind it in the list. A row that a file
    serves is not `missing`, whatever a list says. Raises `SpecError`, a line for each fault.
    """
    files: dict[str, Checkpoint] = {}
    missing: dict[str, str] = {}
    read: list[tuple[Faults, Checkpoints | None]] = []
    rows = [f"{name}/{row.id}" for name, table in tables.items() for row in table.rows]
    for path in home.checkpoints(weights):
        fault, found = _read(path, Checkpoints)
        read.append((fault, found))
        if found is not None:
            lists.check(found, rows, fault)
            files = {name: each for name, each in files.items() if name not in {own.name for own in found.checkpoints}}
            files.update({each.name: each for each in found.checkpoints})
            missing.update(found.missing)
    _raise([fault for fault, _ in read])
    for fault, found in read:
        assert found is not None
        lists.check_runs(found, tables, fault)
        lists.check_classifiers(found, files, fault)
    _raise([fault for fault, _ in read])
    lost = lists.check_named(tables, files)
    if lost:
        raise SpecError(lost)
    missing = {row: why for row, why in missing.items() if not lists.of_row(tables, row, files)}
    return Checkpoints(schema=1, checkpoints=list(files.values()), missing=missing)


def shipped_checkpoints() -> set[str]:
    """Names of the weight files that came with the program."""
    found = _read(home.shipped() / "checkpoints.toml", Checkpoints)[1]
    return {each.name for each in found.checkpoints} if found else set()


def _raise(faults: list[Faults]) -> None:
    lines = [line for fault in faults for line in fault.lines]
    if lines:
        raise SpecError(lines)


def _read(path: Path, kind: type[Kind]) -> tuple[Faults, Kind | None]:
    faults = Faults(path)
    try:
        faults.text = path.read_text(encoding="utf-8")
        document = tomllib.loads(faults.text)
    except OSError as error:
        faults.add((), f"cannot be read: {error.strerror or error}")
        return faults, None
    except UnicodeDecodeError as error:
        faults.add((), f"expected UTF-8 text, found byte {error.object[error.start]:#04x} at offset {error.start}")
        return faults, None
    except ValueError as error:  # tomllib's own, and Python's of a number of thousands of digits
        faults.add((), f"expected TOML, found something else: {error}")
        return faults, None
    except RecursionError:
        faults.add((), "expected TOML, found nesting deeper than any spec has")
        return faults, None
    try:
        return faults, kind.model_validate(document)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            _explain(fault, document, kind, faults)
        return faults, None


def _explain(fault: Mapping[str, Any], document: Any, kind: type[BaseModel], faults: Faults) -> None:
    place = _without_tags(document, fault["loc"])
    where = name_of(document, place[:-1])
    key = place[-1] if place else ""
    if fault["type"] == "extra_forbidden":
        known = sorted(_keys(kind, fault["loc"][:-1]))
        faults.add(place, f'{where}: unknown key "{key}"; expected one of {listed(known)}{nearest(str(key), known)}')
    elif fault["type"] == "missing":
        faults.add(place, f'{where}: "{key}" is missing')
    elif fault["type"] in ("union_tag_invalid", "union_tag_not_found"):
        tag = fault.get("ctx", {}).get("tag", "")
        kinds = [get_args(part.model_fields["kind"].annotation)[0] for part in _parts() if "kind" in part.model_fields]
        faults.add(
            place,
            f'{name_of(document, place)}: kind "{tag}" is not a test; '
            f"expected one of {listed(kinds)}{nearest(tag, kinds)}",
        )
    else:
        expected = fault["msg"].removeprefix("Input should be ")
        faults.add(place, f"{name_of(document, place)}: expected {expected}, found {short(fault['input'])}")


def _without_tags(document: Any, location: tuple[str | int, ...]) -> Place:
    """Pydantic names the chosen member of a union in its location; the file has no such key."""
    place: list[str | int] = []
    node = document
    for index, step in enumerate(location):
        if isinstance(node, dict) and step not in node and index < len(location) - 1 and node.get("kind") == step:
            continue
        place.append(step)
        node = step_into(node, step)
    return tuple(place)


def _parts() -> list[type[model.Part]]:
    return model.Part.__subclasses__()


def _keys(kind: type[BaseModel], location: tuple[str | int, ...]) -> set[str]:
    """The keys that the part at a location may have."""
    current: type[BaseModel] | None = kind
    for step in location:
        if isinstance(step, int) or current is None:
            continue
        tagged = [
            part
            for part in _parts()
            if "kind" in part.model_fields and step in get_args(part.model_fields["kind"].annotation)
        ]
        by_name = {field.alias or name: field for name, field in current.model_fields.items()}
        if step in by_name:
            inner = _models_in(by_name[step].annotation)
            current = inner[0] if inner else current
        elif tagged:
            current = tagged[0]
    return {field.alias or name for name, field in current.model_fields.items()} if current else set()


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]
