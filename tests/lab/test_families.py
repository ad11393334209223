"""The folder is the registry: every module in a family offers what the family's Protocol says."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any

import pytest

from repro.lab import families

OFFERS = {
    "nets": families.Net,
    "views": families.Views,
    "methods": families.Method,
    "negatives": families.Negatives,
    "optimizers": families.Optimizer,
    "probes": families.Probe,
    "evaluators": families.Evaluator,
}


def members() -> list[tuple[str, str]]:
    found = []
    for family in OFFERS:
        package = importlib.import_module(f"repro.lab.{family}")
        found += [(family, module.name) for module in pkgutil.iter_modules(package.__path__)]
    return found


def parameters(function: Any) -> list[tuple[str, Any]]:
    listed = inspect.signature(function).parameters.values()
    return [(parameter.name, parameter.kind) for parameter in listed if parameter.name != "self"]


@pytest.mark.parametrize(("family", "name"), members())
def test_each_member_fits_its_protocol(family: str, name: str) -> None:
    module: ModuleType = importlib.import_module(f"repro.lab.{family}.{name}")
    protocol = OFFERS[family]
    wanted = [(key, value) for key, value in vars(protocol).items() if inspect.isfunction(value) and key[0] != "_"]
    assert wanted
    for key, function in wanted:
        assert parameters(getattr(module, key)) == parameters(function), key
    if "Recipe" in protocol.__annotations__:
        assert dataclasses.is_dataclass(module.Recipe)
        assert module.Recipe.__dataclass_params__.frozen
        assert all(field.default is dataclasses.MISSING for field in dataclasses.fields(module.Recipe))


def test_families_are_not_empty() -> None:
    assert {family for family, _ in members()} == set(OFFERS)
