"""What the records cost and where they were made."""

from __future__ import annotations

from collections.abc import Mapping

from repro.judge.provenance import spent
from repro.render.printable import clock, size
from repro.render.report.contents import Report
from repro.render.report.elements import Html, element, join
from repro.render.report.grid import Line, grid, timed


def costs(report: Report) -> Html:
    """Time and disk by kind of job, then each environment."""
    found = spent(report.works)
    if not found:
        return element("p", "No job of these tables has a record yet.")
    lines: list[Line] = [
        (
            one.kind,
            (one.jobs, f"{one.jobs:,}"),
            timed(one.wall_seconds),
            timed(one.cpu_seconds),
            (one.bytes, size(one.bytes)),
        )
        for one in found
    ]
    jobs, disk = sum(one.jobs for one in found), sum(one.bytes for one in found)
    wall, cpu = sum(one.wall_seconds for one in found), sum(one.cpu_seconds for one in found)
    heads = ("kind of job", "jobs", "wall", "processor", "files")
    foot = ("in all", f"{jobs:,}", clock(wall), clock(cpu), size(disk))
    return join(
        element("h3", "Cost"),
        grid("What the finished jobs took", heads, lines, foot=foot, numbers=4),
        element("h3", "Environments"),
        _environments(report),
    )


def _environments(report: Report) -> Html:
    lines = [
        (
            letter(place),
            machine(one.content),
            str(one.content.get("system") or "not known"),
            ", ".join(f"{name} {version}" for name, version in (one.content.get("packages") or {}).items()),
            moment(one.first),
            (one.jobs, f"{one.jobs:,}"),
        )
        for place, one in enumerate(report.environments)
    ]
    heads = ("name", "machine", "system", "packages", "first record", "jobs")
    return grid("Where the records were made", heads, lines, numbers=1)


def letter(place: int) -> str:
    """The name of an environment: A, B, ... and behind Z with a number.

    >>> letter(0), letter(26)
    ('A', 'A1')
    """
    return f"{chr(ord('A') + place % 26)}{place // 26 or ''}"


def machine(content: Mapping[str, object]) -> str:
    """An environment in one line.

    >>> machine({"processor": "Xeon", "cores": 2, "card": None, "python": "3.11.7", "packages": {"torch": "2.6"}})
    'Xeon, 2 cores, no graphics card; Python 3.11.7, torch 2.6'
    """
    packages, commit = content.get("packages"), content.get("commit")
    hardware = [str(content.get("processor") or "processor not known")]
    hardware += [f"{content['cores']} cores"] if content.get("cores") else []
    hardware += [str(content.get("card") or "no graphics card")]
    software = [f"Python {content.get('python') or 'of unknown version'}"]
    software += [f"torch {packages['torch']}"] if isinstance(packages, Mapping) and "torch" in packages else []
    software += [f"commit {str(commit)[:10]}{' with changes' if content.get('dirty') else ''}"] if commit else []
    return f"{', '.join(hardware)}; {', '.join(software)}"


def moment(written: str) -> str:
    """A time of a record, in UTC, to the minute.

    >>> moment("2026-01-02T03:04:05+00:00")
    '2026-01-02 03:04 UTC'
    """
    return f"{written[:16].replace('T', ' ')} UTC"
