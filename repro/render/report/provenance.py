"""Where the numbers come from: cost, machines, data, what the profile changed of each recipe, and every network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from repro.judge.provenance import Run, Work, stated
from repro.render.report.contents import Chapter, Report
from repro.render.report.costs import costs, letter, moment
from repro.render.report.elements import Html, counted, element, join
from repro.render.report.grid import Line, grid, timed
from repro.spec.model import Row


def provenance(report: Report) -> Html:
    """The section `Provenance`."""
    return element(
        "section",
        element("h2", "Provenance", id="provenance-head"),
        element(
            "p",
            "A job is done once and has one record; a network that several rows share is trained once. ",
            "A line typed again finds what is there: to have a job done anew, remove its folder first.",
        ),
        costs(report),
        _sets(report),
        *(_chapter(report, chapter) for chapter in report.chapters),
        id="provenance",
        aria_labelledby="provenance-head",
    )


def written(value: Any) -> str:
    """A value of a recipe as text.

    >>> written({"name": "sgd", "lr": 0.06}), written([2, 10]), written("sgd")
    ('name = sgd, lr = 0.06', '[2, 10]', 'sgd')
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {written(part)}" for key, part in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _sets(report: Report) -> Html:
    """What stands for each of the paper's data sets; values that sets of one kind share are told once."""
    sets = {name: work for chapter in report.chapters for name, work in chapter.origin.sets.items()}
    if not sets:
        return join()
    profile = report.chapters[0].board.profile
    lines = [
        (
            name,
            element("code", written(profile.datasets[name])),
            *_found(work),
            element("code", work.job.id, class_="job"),
        )
        for name, work in sets.items()
    ]
    heads = ("data set of the paper", "what stands for it", "images", "digest", "job")
    kinds = {str(profile.datasets[name].get("name")) for name in sets}
    shared = [
        element("p", f"All sets of {kind}: ", element("code", written(values)))
        for kind, values in profile.shared.items()
        if kind in kinds
    ]
    return join(element("h3", "Data"), grid("Data sets", heads, lines), *shared)


def _found(work: Work) -> tuple[object, object]:
    """How many images a set has, and its digest."""
    if work.record is None:
        return "no record", ""
    images, digest = work.record.values.get("images"), str(work.record.values.get("digest", ""))
    return (images, f"{images:,}") if isinstance(images, int) else "", element("code", digest[:16], class_="job")


def _chapter(report: Report, chapter: Chapter) -> Html:
    table = chapter.board.table
    return element(
        "section",
        element("h3", table.title, id=f"{table.id}/provenance"),
        _recipes(chapter),
        _notes(chapter),
        _networks(report, chapter),
    )


def _recipes(chapter: Chapter) -> Html:
    """What the profile changed, each change once with the rows that it is made in."""
    profile = chapter.board.profile.id
    rows: dict[str, list[str]] = {}
    lines: dict[str, list[object]] = {}
    for row, changes in chapter.origin.changes.items():
        for change in changes:
            rows.setdefault(repr(change), []).append(row)
            values = [element("code", text) for text in (change.key, written(change.paper), written(change.ours))]
            lines[repr(change)] = [*values, change.why]
    if not lines:
        return element("p", f"The profile {profile} changes nothing of its recipes.")
    every = list(chapter.origin.changes)
    told = f"{counted(len(lines), 'change')} of its recipes by the profile {profile}"
    heads = ("what", "in the paper's recipe", "ours", "why", "in")
    found = [(*line, _which(rows[name], every)) for name, line in lines.items()]
    return element("details", element("summary", told), grid(f"{chapter.board.table.title}: {told}", heads, found))


def _which(rows: list[str], every: list[str]) -> str:
    """Some of the rows, in as few words as may be.

    >>> _which(["a", "b", "c"], ["a", "b", "c", "d"]), _which(["d"], ["a", "d"]), _which(["a"], ["a"])
    ('every row but d', 'd', 'every row')
    """
    others = [row for row in every if row not in rows]
    if not others:
        return "every row"
    return f"every row but {', '.join(others)}" if 2 * len(others) < len(rows) else ", ".join(rows)


def _notes(chapter: Chapter) -> Html:
    """What must be known of single rows."""
    told = {row.id: " ".join(" ".join(_told(row)).split()) for row in chapter.board.rows}
    items = [element("li", element("code", row), ": ", words) for row, words in told.items() if words]
    head = element("summary", f"{counted(len(items), 'row')} with a note")
    return element("details", head, element("ul", *items)) if items else join()


def _told(row: Row) -> Iterator[str]:
    if row.same_as:
        yield f"The same network as {row.same_as}."
    if row.reimplemented:
        yield f"Re-implemented: {row.reimplemented}"
    if row.not_runnable:
        yield f"Cannot be run: {row.not_runnable}"
    yield from row.notes


def _networks(report: Report, chapter: Chapter) -> Html:
    """One line for each row and seed that has a record: its jobs, its code, its machine, its time."""
    runs = chapter.origin.runs
    places = {repr(one.content): letter(place) for place, one in enumerate(report.environments)}
    known = [run for run in runs if any(work.record for work in run.works)]
    if not known:
        return element("p", "No network of it has a record yet." if runs else "It has no network.")
    heads = ("row", "seed", "job of the network", "its code", "job of its probe", "began", "on", "wall", "processor")
    told = f"{len(known)} of {counted(len(runs), 'network')} with a record"
    lines = [_network(run, places) for run in known]
    return element(
        "details",
        element("summary", told),
        grid(f"{chapter.board.table.title}: {told}, evaluations included in the times", heads, lines, numbers=2),
    )


def _network(run: Run, places: Mapping[str, str]) -> Line:
    records = [work.record for work in run.works if work.record]
    where = sorted({places[repr(stated(record))] for record in records})
    return (
        run.row,
        (run.seed, run.seed),
        _job(run.network),
        element("code", run.network.job.code) if run.network else "none",
        _job(run.probe),
        moment(min(record.started for record in records)),
        ", ".join(where),
        timed(sum(record.wall_seconds for record in records)),
        timed(sum(record.cpu_seconds for record in records)),
    )


def _job(work: Work | None) -> object:
    return element("code", work.job.id, "" if work.record else " (no record)", class_="job") if work else "none"
