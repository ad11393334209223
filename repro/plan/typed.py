"""What a person typed after a verb, made into the parts of a plan's options, and back."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from repro.errors import UsageError

ASSUMED = {"profile": "mini", "results": "results", "source": "train"}  # what an option is where it is left out


def names(option: str, typed: str) -> list[str]:
    """The ids of a list with commas between; none for the empty text.

    >>> names("--rows", "moco-k16384, byol")
    ['moco-k16384', 'byol']
    """
    found = [name.strip() for name in typed.split(",") if name.strip()]
    if typed and not found:
        raise UsageError(f'{option}: expected ids with commas between, found "{typed}"')
    return found


def seeds(typed: str) -> list[int]:
    """Training seeds: different whole numbers from 0 up; none for the empty text.

    >>> seeds("0,1, 2")
    [0, 1, 2]
    """
    try:
        found = [int(part) for part in typed.replace(",", " ").split()]
    except ValueError:
        raise UsageError(
            f'--seeds: expected whole numbers with commas between, such as 0,1,2, found "{typed}"'
        ) from None
    if any(seed < 0 for seed in found) or len(set(found)) < len(found) or (typed and not found):
        raise UsageError(f'--seeds: expected different numbers from 0 up, found "{typed}"')
    return found


def folders(typed: Sequence[str], known: Sequence[str], *, profile: str) -> dict[str, Path]:
    """Name -> folder of `NAME=DIR`; `DIR` alone is the first folder that the profile asks for."""
    found: dict[str, Path] = {}
    for item in typed:
        if not known:
            raise UsageError(f'--data: the profile "{profile}" asks for no folder, found "{item}"')
        name, equals, folder = item.partition("=")
        if not equals or name not in known:
            if equals and len(known) > 1:
                expected = f"expected NAME=DIR with NAME one of {', '.join(known)}"
                raise UsageError(f'--data: {expected}, found "{item}"')
            name, folder = known[0], item
        if not folder:
            raise UsageError(f'--data: expected a folder, found "{item}"')
        if name in found:
            raise UsageError(f'--data: "{name}" is given twice, as {found[name]} and {folder}')
        try:
            found[name] = Path(folder).expanduser()
        except RuntimeError:  # ~ of a user that is not there
            found[name] = Path(folder)
    return found


def again(table: str, options: Mapping[str, Any]) -> str:
    """The table and options of a `run` as they are typed behind another verb.

    >>> again("table1", {"profile": "mini", "rows": "byol", "data": ("my photos",), "limit": None})
    "table1 --rows byol --data 'my photos'"
    """
    words = [table]
    for name, value in options.items():
        if name == "data":
            words += [f"--data {shlex.quote(folder)}" for folder in value]
        elif value and str(value) != ASSUMED.get(name):
            words.append(f"--{'as' if name == 'named' else name} {shlex.quote(str(value))}")
    return " ".join(words)
