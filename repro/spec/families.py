"""The folder is the registry: which modules a family of `repro/lab` has and which recipe fields each asks for.

Read from the source by syntax tree, so that checking a table never imports torch.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from repro.spec.places import listed, nearest

LAB = Path(__file__).resolve().parents[1] / "lab"
GROUPS = ("data", "net", "views", "method", "negatives", "optimizer", "training", "input", "probe", "evaluation")
"""Of a recipe, in the order of reading; every row has them all."""
ASKED = ("similarity", "samples")
"""Evaluators that are a job of their own, with a group of settings in the [recipe] of a table that asks for them."""
FOLDERS = {"method": "methods", "net": "nets", "optimizer": "optimizers", "probe": "probes"}
"""Group to folder, where they differ by the plural."""


def folder(group: str) -> str:
    """The folder of `repro/lab` behind a recipe's group: `method` is `methods`."""
    return FOLDERS.get(group, group)


@cache
def members(family: str) -> tuple[str, ...]:
    """Names of the modules in `repro/lab/<family>/`, sorted."""
    return tuple(sorted(p.stem for p in (LAB / family).glob("*.py") if not p.stem.startswith("_")))


def unknown(what: str, name: str, family: str, known: Iterable[str]) -> str:
    """The sentence for a name that no module of a family has."""
    return f'{what} "{name}" is not in repro/lab/{family} ({listed(known)}){nearest(name, known)}'


def source(group: str, name: str | None) -> Path:
    """The module behind a group: `repro/lab/<folder>/<name>.py`, or `repro/lab/<group>.py` where there is no folder."""
    return LAB / folder(group) / f"{name}.py" if (LAB / folder(group)).is_dir() else LAB / f"{group}.py"


@cache  # asked of each group of each job
def has_names(group: str) -> bool:
    """Whether the group's recipe must say which module of a folder is meant."""
    return (LAB / folder(group)).is_dir()


@cache
def fields(group: str, name: str | None) -> Mapping[str, str]:
    """Field name -> annotation, as written, of the module's `class Recipe`; empty where it has none."""
    path = source(group, name)
    if not path.is_file():
        return {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name == "Recipe":
            return {
                part.target.id: ast.unparse(part.annotation)
                for part in node.body
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
            }
    return {}


def fits(value: Any, annotation: str) -> bool:
    """Whether a TOML value can stand for a field annotated so (`int`, `float`, `str`, `bool`, tuples, `Literal`).

    >>> fits([0.2, 1.0], "tuple[float, float]"), fits("mlp", "Literal['linear', 'mlp']"), fits(1.5, "int")
    (True, True, False)
    """
    return _fits(value, _parsed(annotation))


@cache
def _parsed(annotation: str) -> ast.expr:
    return ast.parse(annotation, mode="eval").body


def _fits(value: Any, node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return {
            "int": number and isinstance(value, int),
            "float": number,
            "str": isinstance(value, str),
            "bool": isinstance(value, bool),
        }.get(node.id, False)
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
        return False
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if node.value.id == "Literal":
        return any(isinstance(part, ast.Constant) and part.value == value for part in inner)
    if node.value.id != "tuple" or not isinstance(value, (list, tuple)):
        return False
    if len(inner) == 2 and isinstance(inner[1], ast.Constant) and inner[1].value is ...:
        return all(_fits(part, inner[0]) for part in value)
    return len(inner) == len(value) and all(_fits(part, kind) for part, kind in zip(value, inner, strict=True))
