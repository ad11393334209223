"""Imported by Python itself in every process of a run that has this folder on its path; does what FAULTS_* say.

FAULTS_PAUSE: seconds between two checkpoints, in place of those of `repro.lab.snapshot`.
"""

from __future__ import annotations

import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class _Then(Loader):
    """Loads a module as it is, then changes it."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        module._PAUSE, module._SHARE = float(os.environ["FAULTS_PAUSE"]), 1  # type: ignore[attr-defined]


class _Hurry(MetaPathFinder):
    """Finds `repro.lab.snapshot`, whose pauses are made short; its text, of which job ids are hashes, stays."""

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != "repro.lab.snapshot":
            return None
        spec = PathFinder.find_spec(name, path)  # type: ignore[arg-type]
        if spec is not None and spec.loader is not None:
            spec.loader = _Then(spec.loader)
        return spec


if "FAULTS_PAUSE" in os.environ:
    sys.meta_path.insert(0, _Hurry())
