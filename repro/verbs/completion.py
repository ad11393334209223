"""What the shell offers at Tab: names out of the specs, read as they stand and unchecked, so that it comes at once."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from repro.spec import home

Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def tables(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    """Tables and figures, in the paper's order."""
    return _beginning([*home.files("tables"), *home.files("figures")], typed)


def figures(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    """Figures, by number or by name."""
    names = home.files("figures")
    return _beginning([*(name.removeprefix("figure") for name in names), *names], typed)


def profiles(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    """Profiles by name, and files."""
    own = sorted(path.name for path in Path.cwd().glob("*.toml")) if "." in typed else []
    return _beginning([*home.files("profiles"), *own], typed)


def rows(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Rows of the table that was typed before, several with commas between."""
    return _list(_ids(context, "rows"), typed)


def columns(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Columns of the table that was typed before, several with commas between."""
    return _list(_ids(context, "columns"), typed)


def checkpoints(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    """Weight files of the shipped list."""
    entries = _read(home.shipped() / "checkpoints.toml").get("checkpoints", [])
    return _beginning([str(each["name"]) for each in entries], typed)


def datasets(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    """Data sets of the list."""
    return _beginning([str(each["name"]) for each in _read(home.datasets()).get("sets", [])], typed)


def _ids(context: click.Context, part: str) -> list[str]:
    files = {**home.files("tables"), **home.files("figures")}
    named = (context.params.get(name) for name in ("table", "number"))
    typed = [*named, *(context.params.get("tables") or ()), *context.args]  # before an open option click leaves it here
    words = [f"figure{word}" if str(word).isdigit() else word for word in typed]
    path = next((files[word] for word in words if word in files), None)
    return [str(each["id"]) for each in _read(path).get(part, [])] if path else []


def _read(path: Path) -> dict[str, Any]:
    """A file's content; nothing of one that cannot be read, as there is nobody to tell."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}


def _list(names: Iterable[str], typed: str) -> list[str]:
    """The last of the names with commas between; those before it are kept, and not offered again.

    >>> _list(["a0", "a2", "b"], "a0,a"), _list(["a0", "a2"], "a")
    (['a0,a2'], ['a0', 'a2'])
    """
    before, comma, last = typed.rpartition(",")
    chosen = before.split(",")
    return [f"{before}{comma}{name}" for name in _beginning(names, last) if name not in chosen]


def _beginning(names: Iterable[str], typed: str) -> list[str]:
    return [name for name in names if name.startswith(typed)]
