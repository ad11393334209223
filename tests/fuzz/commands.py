"""Command lines of the real verbs and options, with values that nobody means."""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from unittest.mock import patch

import click

from repro import cli
from repro.render import terminal
from repro.run.local import Local, Summary
from tests.fuzz import mutations, watch
from tests.fuzz.world import ROW

NAMES = (
    *("table1", "figure6", "figure1", "6", "1", ROW, f"{ROW},byol", "imagenet", "imagenet-c,imagenet", "mini", "pilot"),
    *(
        "paper",
        "profiles/mini.toml",
        "0",
        "0,1",
        "table1/moco-k16384",
        "results",
        "results:moco-k16384",
        "other",
        "own",
    ),
    *(
        "imagenet-r",
        "stl-10",
        "cue-conflict",
        "torchvision-resnet50-v1",
        "photographs=photographs",
        "tables/table1.toml",
    ),
    *("weights/own.safetensors", "archives/a.tar", "photographs", "set", "new", "new/x", "markdown", "html", "-", "--"),
    *("x" * 300 + ".toml", "profiles", "profiles/expected/mini.toml", "certificate.json", "certified", "repro.toml"),
    *("/dev/zero", "/dev/null", "/dev/stdin", "results/code.json", "results/rules", "other:byol", "../" * 40 + "etc"),
)
HEAVY = ("imagenet-texture", "look", "cache", "verify")  # verbs that start processes: seldom
DRAWING = "sheet"  # half a minute whatever is typed behind it: never
LEFT_OUT = frozenset({"--output", "-o", "--junit", "--badge", "--report"})  # name files to write; the user's to choose


class Untidy(watch.Broken):
    """What was printed of a refusal is not what it should be."""


def verbs(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every verb with the words that lead to it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, (*before, name))
        else:
            yield (*before, name), command


def words(random: Random) -> list[str]:
    """A verb, its arguments and some options; one in ten lines is any words."""
    if random.random() < 0.1:
        return [_any(random) for _ in range(random.randrange(6))]
    known = [pair for pair in verbs(cli.cli) if pair[0][-1] not in HEAVY or random.random() < 0.05]
    known = [pair for pair in known if pair[0][-1] != DRAWING]
    path, command = random.choice(known)
    found = list(path)
    for part in command.params:
        if isinstance(part, click.Argument):
            found += [_value(random, part) for _ in range(random.choice((0, 1, 1, 1, 2)))]
        elif random.random() < 0.2 and part.opts[0] not in LEFT_OUT:
            assert isinstance(part, click.Option)
            found.append(random.choice(part.opts))
            found += [] if part.is_flag else [_value(random, part)]
    if random.random() < 0.1:
        found.insert(random.randrange(len(found) + 1), _any(random))
    return found


def _value(random: Random, part: click.Parameter) -> str:
    """One that fits, or any."""
    if isinstance(part.type, click.Choice) and random.random() < 0.8:
        return str(random.choice(part.type.choices))
    if part.name in ("table", "number", "tables") and random.random() < 0.8:
        return random.choice(("table1", "figure1", "figure6", "figure10", "6", "10"))
    return _any(random)


def _any(random: Random) -> str:
    match random.randrange(5):
        case 0 | 1 | 2:
            return random.choice(NAMES)
        case 3:
            return random.choice(mutations.TEXTS).replace("\0", "")
        case _:
            return str(random.choice(mutations.NUMBERS[:-3]))[:300] + random.choice(("", "", ",1", "\udcff"))


def type_(typed: list[str]) -> None:
    """Type it, with nothing trained; raises what `watch.tried` takes for a refusal, or `Untidy`."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors=how) for how in ("strict", "backslashreplace"))
    with _typing(typed, out, err):
        try:
            code: object = cli.main()
        except SystemExit as end:
            code = end.code
    for stream in (out, err):
        stream.flush()
    _look(typed, code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode())  # type: ignore[attr-defined]
    if code == 2:
        raise click.UsageError("refused")


@contextmanager
def _typing(typed: list[str], out: io.TextIOWrapper, err: io.TextIOWrapper) -> Iterator[None]:
    terminal.console.cache_clear()
    with ExitStack() as stack:
        for name, value in (("argv", ["repro", *typed]), ("stdout", out), ("stderr", err)):
            stack.enter_context(patch.object(sys, name, value))
        stack.enter_context(patch.object(Local, "run", lambda *_: Summary()))
        try:
            yield
        finally:
            gc.enable()
            terminal.console.cache_clear()


def _look(typed: list[str], code: object, out: str, err: str) -> None:
    """A code that means something, and nothing on either stream that steers a terminal."""
    if code not in (0, 1, 2, 3, 4, 130):
        raise Untidy(f"{typed!r}: ended with {code!r}: {err[-500:]}")
    for told in (out, err):
        strange = [sign for sign in told if not sign.isprintable() and sign not in "\n\t"]
        if strange:
            raise Untidy(f"{typed!r}: printed {strange[:5]!r}: {told[:500]!r}")
    said = [each for each in err.splitlines() if not each.startswith("Matplotlib is building the font cache")]
    if code == 2 and not said:
        raise Untidy(f"{typed!r}: refused without a word")
    if any(each.startswith("Traceback") for each in said):
        raise Untidy(f"{typed!r}: {err[-2000:]}")
    told = [each for each in said if each.startswith("repro: ")]
    if code == 2 and told and len(said) > 1 and ".toml" not in err:
        raise Untidy(f"{typed!r}: expected one line, found {err!r}")
