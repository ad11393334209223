"""The options that several verbs share, each with one meaning wherever it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from repro.verbs import completion

F = TypeVar("F", bound=Callable[..., Any])
PLANNED = (
    "profile",
    "results",
    "rows",
    "columns",
    "seeds",
    "limit",
    "device",
    "data",
    "source",
    "weights",
    "classifier",
    "named",
)  # those of every verb that plans


def _number(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """What a range lets through that is in none."""
    if value != value:
        raise click.BadParameter("expected a number of minutes, found nan")
    return value


_KNOWN: Mapping[str, Callable[[F], F]] = {
    "profile": click.option(
        "--profile",
        default="mini",
        show_default=True,
        shell_complete=completion.profiles,
        help="Means to run on: mini, pilot, paper or a .toml file.",
    ),
    "results": click.option(
        "--results",
        type=click.Path(path_type=Path),
        default=Path("results"),
        show_default=True,
        help="Folder of results.",
    ),
    "rows": click.option(
        "--rows", default="", shell_complete=completion.rows, help="Only these rows, by id, with commas between."
    ),
    "columns": click.option(
        "--columns",
        default="",
        shell_complete=completion.columns,
        help="Only these columns, by id, with commas between.",
    ),
    "seeds": click.option(
        "--seeds", default="", help="Training seeds with commas between, e.g. 0,1,2; the profile's where left out."
    ),
    "limit": click.option(
        "--limit",
        type=click.IntRange(min=1),
        help="Evaluate on about N images of each set only; such results count as partial.",
    ),
    "device": click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        help="Where to compute; the profile's where left out.",
    ),
    "data": click.option(
        "--data",
        multiple=True,
        metavar="[NAME=]DIR",
        help="Folder of the user's own images that the profile asks for.",
    ),
    "source": click.option(
        "--source",
        type=click.Choice(["train", "download"]),
        default="train",
        show_default=True,
        help="Train the networks, or take the weights that others published; kept and judged apart.",
    ),
    "weights": click.option(
        "--weights", type=click.Path(path_type=Path), help="A network of your own, to stand in the table as a row."
    ),
    "classifier": click.option(
        "--classifier", type=click.Path(path_type=Path), help="Its classifier, where that is a file of its own."
    ),
    "named": click.option("--as", "named", metavar="NAME", help="The id of that row."),
    "workers": click.option(
        "--workers", type=click.IntRange(min=1), help="Worker processes; the profile's number where left out."
    ),
    "executor": click.option(
        "--executor",
        type=click.Choice(["local", "slurm"]),
        default="local",
        show_default=True,
        help="Where jobs run: in processes here, or on a cluster by slurm.toml (docs/slurm.md).",
    ),
    "silence": click.option(
        "--silence",
        type=click.FloatRange(min=0, max=10080),
        default=30.0,
        show_default=True,
        callback=_number,
        metavar="MINUTES",
        help="After how long a worker that tells nothing of its jobs hangs, and is killed; 0: never.",
    ),
    "json": click.option("--json", "as_json", is_flag=True, help="Print JSON of a versioned layout (docs/json.md)."),
}


def shared(*wanted: str) -> Callable[[F], F]:
    """The options that several verbs share, by name."""

    def decorate(verb: F) -> F:
        for name in reversed(wanted):
            verb = _KNOWN[name](verb)
        return verb

    return decorate
