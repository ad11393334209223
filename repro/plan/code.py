"""Which version of our code computes a job: a hash over the modules it reaches, without comments and docstrings."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

from repro.files import digest, write_whole

ROOT = Path(__file__).resolve().parents[2]
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(repro[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)|import[ \t]+(repro[\w.]*))", re.MULTILINE
)
_known: dict[str, str] = {}  # SHA-256 of a source's bytes -> hash of what it does; parsing it again is slow


@cache
def version(entries: tuple[str, ...]) -> str:
    """Hash of the modules `entries` (`repro.lab.methods.moco`) and of every module of ours that they import.

    A change of a comment or a docstring leaves it; a change of anything that runs does not.
    """
    whole = hashlib.sha256()
    for name in sorted(closure(entries)):
        whole.update(f"{name} {_meaning(name)}\n".encode())
    return whole.hexdigest()[:16]


def closure(entries: Iterable[str]) -> set[str]:
    """The modules of ours that these modules reach by their imports, themselves and their packages included."""
    reached: set[str] = set()
    waiting = list(entries)
    while waiting:
        name = waiting.pop()
        if name not in reached and _path(name) is not None:
            reached.add(name)
            waiting += [found for found in _imports(name) if found not in reached]
            waiting += [name.rpartition(".")[0]] if "." in name else []
    return reached


def recall(file: Path) -> None:
    """Take over what an earlier process learned of unchanged sources; a file that is absent or damaged says nothing."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        known = dict(found["known"])
        is_whole = found["digest"] == digest(known)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return
    if is_whole and all(isinstance(part, str) for part in known.values()):
        _known.update(known)


def remember(file: Path) -> None:
    """Leave what this process learned of its sources for the next one, with all else that a job may be computed by."""
    for path in (ROOT / "repro" / "lab").rglob("*.py"):
        with suppress(SyntaxError, ValueError):  # somebody's who is at it just now
            _meaning(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    text = json.dumps({"digest": digest(_known), "known": _known}, sort_keys=True)
    if not file.is_file() or file.read_text(encoding="utf-8", errors="replace") != text:
        write_whole(file, text)


@cache
def _path(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache
def _source(name: str) -> bytes:
    path = _path(name)
    assert path is not None
    return path.read_bytes()


@cache
def _imports(name: str) -> tuple[str, ...]:
    found = []
    for match in _IMPORT.finditer(_source(name)):
        module = (match.group(1) or match.group(3)).decode()
        parts = re.findall(r"(\w+)(?:\s+as\s+\w+)?", (match.group(2) or b"").decode())
        found += [module, *(f"{module}.{part}" for part in parts)]
    return tuple(found)


@cache
def _meaning(name: str) -> str:
    key = hashlib.sha256(_source(name)).hexdigest()
    if key not in _known:
        tree = ast.parse(_source(name))
        _strip(tree)
        _known[key] = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return _known[key]


def _strip(node: ast.AST) -> None:
    """Take the docstrings out of a module, its classes and functions."""
    for child in ast.walk(node):
        if isinstance(child, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = child.body[0] if child.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                child.body = child.body[1:]


def forget() -> None:
    """Read every source anew; for tests that change one."""
    for kept in (version, _path, _source, _imports, _meaning):
        kept.cache_clear()
