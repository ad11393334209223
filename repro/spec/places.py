"""Where in a TOML file a key stands, and how a fault is worded."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.spec import home

Place = tuple[str | int, ...]
_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_\-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_\-]+|"[^"]*"))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_\-]+|"([^"]*)"|'([^']*)'""")


def _parts(dotted: str) -> list[str]:
    return [m.group(1) or m.group(2) or m.group(0).strip("\"'") for m in _PART.finditer(dotted)]


def locate(text: str) -> dict[Place, int]:
    """Place -> line number (from 1) of every header and key, arrays of tables counted as the loader counts them.

    >>> locate("[[rows]]\\nid = 'a'\\n[rows.recipe]\\nlr = 1")[("rows", 0, "recipe", "lr")]
    4
    """
    lines: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    prefix: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            names, prefix = _parts(header.group(2)), ()
            for index, name in enumerate(names):
                prefix = (*prefix, name)
                if index == len(names) - 1 and header.group(1) == "[[":
                    counts[prefix] = counts.get(prefix, -1) + 1
                if prefix in counts:
                    prefix = (*prefix, counts[prefix])
            lines.setdefault(prefix, number)
        elif key := _KEY.match(line):
            lines.setdefault((*prefix, *_parts(key.group(1))), number)
    return lines


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean "moco"?` for the known name closest to a word, or nothing where none is close.

    >>> nearest("mocco", ["byol", "moco"])
    '; did you mean "moco"?'
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.55)
    return f'; did you mean "{close[0]}"?' if close else ""


def short(value: Any) -> str:
    """A value for a sentence, of which a long one is cut.

    >>> short([1]), len(short("x" * 100))
    ('[1]', 80)
    """
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def listed(names: Iterable[str]) -> str:
    """Names for a sentence: `byol, moco, simclr`, or `none`."""
    return ", ".join(names) or "none"


@dataclass
class Faults:
    """Everything wrong with one file, each with its line; nothing stops at the first."""

    path: Path
    text: str = ""
    lines: list[str] = field(default_factory=list)
    _places: dict[Place, int] | None = None

    def add(self, place: Place, sentence: str) -> None:
        """Note one fault at a place; the line is that of the longest part of the place that the file spells out."""
        if self._places is None:
            self._places = locate(self.text)
        at = next((self._places[place[:n]] for n in range(len(place), 0, -1) if place[:n] in self._places), None)
        where = home.shown(self.path) + (f":{at}" if at else "")
        if f"{where}: {sentence}" not in self.lines:  # a value of [recipe] is met once for each row
            self.lines.append(f"{where}: {sentence}")


def name_of(document: Any, place: Place) -> str:
    """A place as a person says it: `row "moco-k8192", recipe.method.queue`."""
    words: list[str] = []
    node = document
    for step in place:
        node = step_into(node, step)
        if isinstance(step, int):
            singular = words.pop().rstrip("s") if words else "entry"
            label = node.get("id", node.get("name")) if isinstance(node, dict) else None
            words.append(f'{singular} "{label}"' if label else f"{singular} {step + 1}")
        else:
            words.append(step)
    head = [word for word in words if " " in word]
    tail = ".".join(word for word in words if " " not in word)
    return ", ".join([*head, tail] if tail else head) or "file"


def step_into(node: Any, step: str | int) -> Any:
    """What a key or an index of a document leads to; None where there is no such part."""
    if isinstance(node, dict):
        return node.get(step)
    return node[step] if isinstance(node, list) and isinstance(step, int) and step < len(node) else None
