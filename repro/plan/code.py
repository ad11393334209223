"""Which version of our own code computes a job: a hash over the modules it reaches, comments and docstrings left out."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def version(entries: tuple[str, ...]) -> str:
    """Hash of the modules `entries` (`repro.lab.methods.moco`) and of every module of ours that they import.

    A change of a comment or a docstring leaves it; a change of anything that runs does not.
    """
    whole = hashlib.sha256()
    for name in sorted(closure(entries)):
        whole.update(f"{name} {_read(name)[0]}\n".encode())
    return whole.hexdigest()[:16]


def closure(entries: Iterable[str]) -> set[str]:
    """The modules of ours that these modules reach by their imports, themselves included."""
    reached: set[str] = set()
    waiting = [name for name in entries if _path(name) is not None]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [found for found in _read(name)[1] if found not in reached]
    return reached


def _path(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache
def _read(name: str) -> tuple[str, tuple[str, ...]]:
    path = _path(name)
    assert path is not None
    tree = ast.parse(path.read_bytes())
    imports = tuple(sorted(set(_imports(tree))))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            if isinstance(body[0].value.value, str):
                del body[0]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imports


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.startswith("repro.") and _path(name) is not None)
