"""Where characters go, a terminal or a pipe: lines, texts with hanging indents, JSON, rules; nothing that steers it."""

from __future__ import annotations

import json as encoder
import os
import sys
import textwrap
from functools import cache
from typing import Any

from rich.console import Console
from rich.text import Text

from repro.render.printable import escaped, printable


class Outlet(Console):
    """A console that outlives its reader: behind `| head` a verb still ends with its own exit code."""

    def on_broken_pipe(self) -> None:
        """From here on everything is written to nowhere."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@cache
def console() -> Outlet:
    """Where everything goes; 80 columns where the width is not known, NO_COLOR and FORCE_COLOR are heeded."""
    return Outlet(highlight=False, emoji=False, markup=False)


def raw(text: str) -> None:
    """Text as it is, for a program or a file."""
    try:
        console().file.write(text)
        console().file.flush()
    except BrokenPipeError:
        console().on_broken_pipe()


def line(text: str, style: str = "") -> None:
    """One line, never cut or wrapped in a pipe."""
    console().print(Text(printable(text), style=style), soft_wrap=not console().is_terminal)


def command(text: str, style: str = "") -> None:
    """A line with something to copy from it: never broken, not on a terminal either."""
    console().print(Text(printable(text), style=style), soft_wrap=True)


def json(document: Any) -> None:
    """A document for a program: nothing but JSON."""
    raw(escaped(encoder.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)) + "\n")


def hanging(text: str, *, indent: int = 6, style: str = "") -> None:
    """Text over several lines, all but the first indented; a path or an id is never broken."""
    filled = textwrap.fill(
        printable(text),
        console().width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    line(filled, style)
