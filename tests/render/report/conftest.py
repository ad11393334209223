"""A report made by hand: a table with a cell of every verdict, names that would be markup, two claims, a remark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from repro.judge.audit import Audit, Evidence, Remark
from repro.judge.board import Board, ClaimReading
from repro.judge.cells import Cell, CellJudgement, Flag, Verdict
from repro.judge.claims import ClaimVerdict, Finding, Reading
from repro.judge.provenance import Change, Origin, Run, Work
from repro.judge.rules import Rules
from repro.judge.statistics import Deviation, Interval, summarise
from repro.plan.jobs import Job
from repro.plan.outline import Options, Plan
from repro.render.report.contents import Chapter, Report
from repro.render.report.page import page
from repro.render.report.picture import Picture
from repro.spec.model import Claim, Column, Order, Row, Table
from repro.spec.numbers import parse_reported
from repro.spec.profile import Profile
from repro.store import Record, Store
from tests.render.report import browser
from tests.render.report.browser import Browser

HOSTILE = '<script>alert("x")</script>\x1b[31m</style>\' & "quoted"'
PLAIN = '<script>alert("x")</script>[31m</style>\' & "quoted"'  # the same as a reader must see it
VERDICTS = list(Verdict)  # twelve: three columns of four rows
SEEDS = {0: 77.61, 1: 77.95, 2: 78.10}  # mean 77.8867, deviation 0.2511
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><path id="p" d="M0 0L60 40"/></svg>'
WITHOUT = (Verdict.NOT_RUN, Verdict.FAILED, Verdict.NOT_RUNNABLE)  # there is no number of ours
JUDGED = VERDICTS[:5]
FLAGS = {Verdict.INCONCLUSIVE: (Flag.SPREAD, Flag.ALONE)}


def table() -> Table:
    """Its last row is named as nobody should."""
    columns = [
        Column(id="one", label="One", dataset="d", evaluator="accuracy", metric="top1", direction="up"),
        Column(id="two", label=HOSTILE, dataset="d", evaluator="accuracy", metric="top1", direction="none"),
        Column(id="cos", label="Cosine", dataset="d", evaluator="x", metric="y", direction="down", unit="cosine"),
    ]
    reported = {"one": "77.88 ± 0.28", "two": "80.86"}
    rows = [Row(id=f"row-{n}", label=f"Row {n}", block=f"b{n // 2}", runs=3, reported=reported) for n in range(3)]
    suspect = Row(
        id="row-3", label=HOSTILE, block="b1", runs=0, reported=reported, suspect={"one": HOSTILE}, notes=["A note."]
    )
    return Table(
        schema=1, id="table9", title="Table 9", caption=HOSTILE, section="3", columns=columns, rows=[*rows, suspect]
    )


def profile() -> Profile:
    """Four data sets of the paper's size would not fit it."""
    return Profile(
        schema=1,
        id="mini",
        title=HOSTILE,
        judges="claims",
        seeds=[0, 1, 2],
        workers=1,
        threads=1,
        device="cpu",
        datasets={"d": {"name": "shapes", "count": 6}},
    )


def judgement(verdict: Verdict) -> CellJudgement:
    """Numbers that no two facts share."""
    return CellJudgement(
        ours=summarise(list(SEEDS.values())),
        difference=0.0067,
        literal=True,
        deviation=Deviation(0.4321, 18.5),
        basis="pooled over the column",
        interval=Interval(77.12, 78.64),
        difference_p=0.321,
        equivalence_p=0.0456,
        spread_p=0.789,
        verdict=verdict,
        further_seeds=7 if verdict is Verdict.INCONCLUSIVE else None,
        flags=(Flag.SPREAD,),
        reason=f"because of {HOSTILE}",
    )


def cells() -> dict[tuple[str, str], Cell]:
    """One of every verdict, row by row."""
    found = {}
    spec = table()
    for place, verdict in enumerate(VERDICTS):
        row, column = spec.rows[place // 3], spec.columns[place % 3]
        text = row.reported.get(column.id)
        found[row.id, column.id] = Cell(
            row.id,
            column.id,
            parse_reported(text) if text else None,
            {} if verdict in WITHOUT else SEEDS,
            verdict,
            f"{verdict} because of {HOSTILE}",
            judgement(verdict) if verdict in JUDGED else None,
            FLAGS.get(verdict, ()),
            column.unit,
            0.0123 if verdict in JUDGED else None,
        )
    return found


def _finding(verdict: ClaimVerdict, reason: str) -> Finding:
    holds = {ClaimVerdict.SUPPORTED: True, ClaimVerdict.NOT_SUPPORTED: False}.get(verdict)
    return Finding("a > b", ("table9/row-0:one",), None, 0, None, None, holds, verdict, reason)


def reading(verdict: ClaimVerdict, reason: str, *, many: int = 1) -> Reading:
    """A reading of so many contrasts, all of one verdict."""
    findings = tuple(_finding(verdict, f"{reason} {place}") for place in range(many))
    return Reading(findings[0].holds, verdict, reason, findings)


def claim(name: str, *, of_paper: bool = True, quote: str = "We are better.") -> Claim:
    """A claim whose test is not looked at here."""
    test = Order(kind="order", of=["row-0:one", "row-1:one"])
    statement = f"{name}: {HOSTILE}"
    return Claim(id=name, section="4", quote=quote, statement=statement, of_paper=of_paper, note=None, test=test)


def readings() -> tuple[ClaimReading, ...]:
    """One that our numbers contradict, one that is open, a caution of ours."""
    refuted, yes = ClaimVerdict.NOT_SUPPORTED, ClaimVerdict.SUPPORTED
    open_, silent = ClaimVerdict.UNDECIDED, ClaimVerdict.NOT_APPLICABLE
    return (
        ClaimReading(claim("C1"), reading(yes, "theirs"), reading(refuted, "ours", many=20)),
        ClaimReading(claim("C2", quote="(implied) Both help."), reading(refuted, "fails"), reading(open_, "maybe")),
        ClaimReading(claim("C3", of_paper=False), reading(silent, "printed", many=3), reading(silent, "n/a", many=3)),
    )


def job(kind: str, seed: int | None, **inputs: str) -> Job:
    """A job with an id of its own."""
    return Job(kind, {"name": f"{kind} {inputs}", "recipe": {}}, seed, inputs, "c0de", 1, "cpu", f"{kind} of a test")


def record(one: Job, *, started: str = "2026-01-02T03:04:05+00:00", wall: float = 60.0) -> Record:
    """What a job left on a machine whose name is hostile too."""
    environment = {
        "python": "3.11.7",
        "packages": {"torch": "2.6", "numpy": "2.0"},
        "system": HOSTILE,
        "processor": HOSTILE,
        "cores": 2,
        "card": None,
        "commit": "0123456789abcdef",
        "dirty": True,
    }
    values = {"images": 6, "digest": "d1gest"} if one.kind == "data" else {"top1": 1.0}
    files = {"a": {"sha256": "f" * 64, "bytes": 1_500_000}}
    return Record(one.id, one.content, one.label, values, files, started, wall, wall / 2, environment)


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """The whole of it, with three seeds, a failure and a drawn figure."""
    store = Store(tmp_path / "results")
    spec, means = table(), profile()
    options = Options(seeds=[0, 1, 2])
    images, plan = job("data", None), Plan(spec, means, options, list(spec.rows), list(spec.columns))
    network, probe = job("pretrain", 0, data=images.id), job("probe", 0, data=images.id)
    works = [Work(one, record(one)) for one in (images, network, probe)]
    for key, cell in cells().items():
        for seed in cell.seeds or ([0] if cell.verdict is Verdict.FAILED else []):
            one = job("evaluate", seed, row=key[0], column=key[1])
            plan.jobs[one.id] = one
            plan.cells.setdefault(key, {})[seed] = one.id
            works.append(Work(one, record(one, started="2026-01-03T00:00:00+00:00", wall=1.5) if cell.seeds else None))
            if not cell.seeds:
                store.fail(one.id, HOSTILE)
    run = Run("row-0", 0, works[1], works[2], tuple(works[3:6]))
    changes = (Change("optimizer.lr", 0.03, 0.06, HOSTILE), Change("net", {"name": "big"}, {"name": "small"}, "fits"))
    origin = Origin({"row-0": changes, "row-1": changes[:1]}, (run,), {"d": works[0]}, tuple(works))
    rules = Rules("0123456789ab", {}, (f"seeds was 0 and is {HOSTILE}",))
    board = Board(spec, means, options, tuple(spec.rows), tuple(spec.columns), cells(), readings(), rules)
    first, second, _ = readings()
    evidence = (Evidence("table9", second.claim, second.paper), Evidence("table9", first.claim, first.paper))
    remarks = (Remark("A1", "table9", "H", HOSTILE, evidence), Remark("A2", "table9", "L", "A comma.", ()))
    audit = Audit(remarks, evidence)
    drawn = Picture("Accuracy", SVG, HOSTILE, "x,y\n1,2\n", HOSTILE)
    typed = {"profile": "mini", "results": store.root, "seeds": "0,1,2", "rows": "", "columns": "", "data": ("my own",)}
    return Report((Chapter(board, plan, origin),), audit, store, typed, {"table9": drawn})


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests."""
    with browser.started(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def seen(chromium: Browser, report: Report, tmp_path: Path) -> Browser:
    """The browser with the page, 1280 wide, light; what was logged before is gone."""
    (tmp_path / "page.html").write_text(page(report), encoding="utf-8")
    chromium.scripts(are_on=True)
    chromium.media(prefers_color_scheme="light")
    chromium.wide(1280)
    chromium.open(tmp_path / "page.html")
    for kind in ("browser", "performance"):
        chromium.log(kind)
    return chromium
