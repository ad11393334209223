"""The same judged table as LaTeX, Markdown, CSV and JSON: the numbers, the words for their absence, nothing lost."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from repro.judge.board import Board, assemble
from repro.plan.expand import Options, expand
from repro.render import documents, markup
from repro.render.latex import document as latex
from repro.store import Record, Store
from tests.render.boards import SPECS, profile

ROWS = ["moco-k16384", "moco-k16384-texture-a2", "moco-star", "byol"]
COLUMNS = ["imagenet", "imagenet-r"]
MEASURED = {
    ("moco-k16384", "imagenet"): (77.61, 77.95, 78.10),
    ("moco-k16384", "imagenet-r"): (12.5, 12.75, 13.0),
    ("moco-star", "imagenet"): (80.1,),
    ("moco-star", "imagenet-r"): (30.0, 30.5, 31.0),
}


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """Cells that are reproduced, differ, are partial, suspect, failed, not run and not runnable."""
    means = profile(judges="cells")
    data = {name: one for name, one in means.datasets.items() if name != "imagenet-100-texture/train"}
    means = means.model_copy(update={"datasets": data, "missing": {"imagenet-100-texture/train": "no textures"}})
    options = Options(seeds=[0, 1, 2], rows=ROWS, columns=COLUMNS)
    plan, store = expand(SPECS.tables, SPECS.table("table1"), means, options), Store(tmp_path)
    for cell, values in MEASURED.items():
        for seed, value in enumerate(values):
            job = plan.jobs[plan.cells[cell][seed]]
            store.write(
                Record(job.id, job.content, job.label, {"top1": value}, {}, "2026-01-01T00:00:00+00:00", 1, 1, {})
            )
    store.fail(plan.cells["byol", "imagenet"][0], "no space | left")
    return assemble(SPECS.tables, plan, store)


class Fact(NamedTuple):
    """A cell as one of the exports has it: numbers as they are printed, the reason where one is told beside it."""

    reported: str
    ours: str
    verdict: str
    reason: str


FACTS = {
    ("moco-k16384", "imagenet"): Fact("77.88±0.28", "77.89±0.25", "reproduced", ""),
    ("moco-k16384", "imagenet-r"): Fact("32.92±0.12", "12.75±0.25", "differs", ""),
    ("moco-k16384-texture-a2", "imagenet"): Fact("77.76±0.17", "", "not runnable", "no textures"),
    ("moco-k16384-texture-a2", "imagenet-r"): Fact("33.36±0.15", "", "not runnable", "no textures"),
    ("moco-star", "imagenet"): Fact("80.00±0.14", "80.10", "partial", "1 of 3 seeds; the rest not run"),
    ("moco-star", "imagenet-r"): Fact("30.38±0.30?", "30.50±0.50", "suspect in the paper", ""),
    ("byol", "imagenet"): Fact("78.76±0.28", "", "failed", "no space | left (log: FILE)"),
    ("byol", "imagenet-r"): Fact("39.53±0.51", "", "not run", "no result of this recipe yet"),
}


def told(cells: dict[tuple[str, str], Fact]) -> dict[tuple[str, str], Fact]:
    """Facts without the place of the log, which is another in each test."""
    return {key: fact._replace(reason=re.sub(r"log: [^)]*", "log: FILE", fact.reason)) for key, fact in cells.items()}


def of_latex(board: Board) -> dict[tuple[str, str], Fact]:
    """The cells of the first table, which has reported above ours; words across columns hold for each."""
    text = latex.table(board).replace(r"\allowbreak{}", "")
    notes = dict(re.findall(r"\\textsuperscript\{(\d+)\}\\,(.*?)\\par", text))
    signs = dict(re.findall(r"(\$\\\w+\$|\?) ([a-z, ]+): ", text))
    lines = re.findall(r"(?m)^(.*) \\\\$", text.partition("\\midrule\n")[2].partition("\\bottomrule")[0])
    found = {}
    for row, (above, below) in zip(ROWS, zip(lines[::2], lines[1::2], strict=True), strict=True):
        cells = [_spread(line.split(" & ")[1:]) for line in (above, below)]
        for place, column in enumerate(COLUMNS):
            (reported, suspect), (ours, sign) = (line[place] for line in cells)
            note = re.search(r"\d+", sign) if "superscript" in sign else None
            is_number = ours[:1].isdigit()
            verdict = ours if not is_number else "partial" if note else signs[sign]
            number = ours.replace("+-", "±") if is_number else ""
            reason = notes[note[0]].replace("$|$", "|") if note else ""
            found[row, column] = Fact(reported.replace("+-", "±") + suspect, number, verdict, reason)
    return found


def _spread(cells: list[str]) -> list[tuple[str, str]]:
    """Number or words, and sign, of each column."""
    spanned = re.fullmatch(r"\\multicolumn\{4\}\{c\}\{([a-z ]+)(.*)\}", cells[0])
    if spanned:
        return [(spanned[1], spanned[2])] * 2
    return [(cells[place].strip("{}"), cells[place + 1].strip()) for place in (0, 2)]


def of_markdown(board: Board) -> dict[tuple[str, str], Fact]:
    """The cells of the first table with the notes and signs below it."""
    text = markup.markdown(board)
    notes = dict(re.findall(r"(?m)^- \[(\d+)\] (.*)$", text))
    signs = dict(re.findall(r"(?m)^- (\S) ([a-z, ]+): ", text))
    found = {}
    for line in text.splitlines()[4:8]:
        _, _, row, *cells, _ = re.split(r" *(?<!\\)\| *", line)
        for place, column in enumerate(COLUMNS):
            reported, ours = cells[2 * place : 2 * place + 2]
            note = re.search(r" \[(\d+)\]", ours)
            words = ours.partition(" [")[0]
            is_number = words[:1].isdigit()
            verdict = signs[words[-1]] if is_number else words
            number = words[:-2].replace(" ", "") if is_number else ""
            reason = notes[note[1]].replace("\\|", "|") if note else ""
            found[row.strip("`"), column] = Fact(reported.replace(" ", ""), number, verdict, reason)
    return found


def of_json(document: dict[str, Any]) -> dict[tuple[str, str], Fact]:
    found = {}
    for cell in document["cells"]:
        reported, ours = cell["reported"], cell["ours"]
        number = "" if ours is None else f"{ours['mean']:.2f}" + (f"±{ours['std']:.2f}" if ours["std"] else "")
        mark = "?" if cell["suspect"] else ""
        reason = cell["reason"] if cell["verdict"] in ("partial", "failed", "not run", "not runnable") else ""
        printed = f"{reported['mean']:.2f}±{reported['std']:.2f}{mark}"
        found[cell["row"], cell["column"]] = Fact(printed, number, cell["verdict"], reason)
    return found


def of_csv(lines: list[dict[str, str]]) -> dict[tuple[str, str], Fact]:
    found = {}
    for line in lines:
        number = f"{float(line['mean']):.2f}" if line["mean"] else ""
        number += f"±{float(line['std']):.2f}" if line["std"] else ""
        mark = "?" if line["suspect"] else ""
        reason = line["reason"] if line["verdict"] in ("partial", "failed", "not run", "not runnable") else ""
        printed = f"{line['reported_mean']}±{line['reported_std']}{mark}"
        found[line["row"], line["column"]] = Fact(printed, number, line["verdict"], reason)
    return found


def exported(board: Board) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The JSON and the lines of the CSV."""
    lines = list(csv.DictReader(io.StringIO(markup.csv(board))))
    return documents.check(board, *board.outcome()), lines


def test_every_export_has_the_same_cells(board: Board) -> None:
    document, lines = exported(board)
    assert told(of_json(document)) == FACTS
    assert told(of_csv([line for line in lines if line["kind"] == "cell"])) == FACTS
    assert told(of_markdown(board)) == FACTS
    assert told(of_latex(board)) == FACTS


def test_every_export_has_the_same_claims(board: Board) -> None:
    document, lines = exported(board)
    standing = {reading.claim.id: reading.standing for reading in board.claims}
    paper = {claim["id"]: claim["paper"]["verdict"] for claim in document["claims"]}
    assert len(paper) == 30
    assert {line["claim"]: line["paper_verdict"] for line in lines if line["kind"] == "claim"} == paper
    assert {line["claim"]: line["verdict"] for line in lines if line["kind"] == "claim"} == {
        claim["id"]: claim["ours"]["verdict"] for claim in document["claims"]
    }
    of_markup = re.findall(r"(?m)^\| (C\w+) +\| .*? +\| ([a-z ]+?) +\| ([a-z; ]+?) +\| ", markup.markdown(board))
    assert {name: (one, two) for name, one, two in of_markup} == {name: (paper[name], standing[name]) for name in paper}
    of_tex = re.findall(r"(?m)^(C\w+) & .* & ([a-z ]+) & ([a-z; ]+) \\\\$", latex.table(board))
    assert of_tex == of_markup


def test_the_csv_has_every_number_of_the_json(board: Board) -> None:
    document, lines = exported(board)
    for cell, line in zip(document["cells"], lines, strict=False):
        assert (cell["row"], cell["column"]) == (line["row"], line["column"])
        flat = {
            **{key: cell[key] for key in ("unit", "verdict", "difference_p", "equivalence_p", "spread_p", "table_p")},
            **{key: cell[key] for key in ("difference", "literal", "further_seeds")},
            **(cell["ours"] or {"n": 0}),
            **dict(zip(("interval_low", "interval_high"), cell["interval"] or (), strict=False)),
            **{f"deviation_{key}": value for key, value in (cell["deviation"] or {}).items()},
            **{f"reported_{key}": value for key, value in cell["reported"].items()},
        }
        assert {key: _read(line[key]) for key in flat} == flat
        seeds = dict(pair.split(":") for pair in line["seeds"].split())
        assert {seed: float(value) for seed, value in seeds.items()} == cell["seeds"]
        assert line["flags"] == "; ".join(cell["flags"])
    first = lines[0]
    assert (first["row_label"], first["column_label"], first["unit"]) == ("MoCo-v2 - k = 16384", "ImageNet", "percent")
    assert lines[2]["row_label"] == "'+ Texture-based - α = 2"
    assert {line["rules"] for line in lines} == {document["rules"]["stamp"]}


def _read(text: str) -> object:
    """What stands in the CSV, as a program reads it."""
    words = {"": None, "true": True, "false": False}
    try:
        return words[text] if text in words else float(text)
    except ValueError:
        return text


def test_markdown_tells_cell_by_cell_what_the_json_has(board: Board) -> None:
    first = exported(board)[0]["cells"][0]
    told_of = markup.markdown(board).partition("<details><summary>cell by cell</summary>\n\n")[2]
    head, _, line = told_of.splitlines()[:3]
    shown = dict(zip(*([part.strip() for part in row.strip("|").split("|")] for row in (head, line)), strict=True))
    assert (shown["cell"], shown["n"], shown["verdict"]) == ("`moco-k16384:imagenet`", "3", "reproduced")
    assert shown["of each seed"] == "77.61 77.95 78.1"
    for key in ("difference", "difference_p", "table_p", "equivalence_p", "spread_p"):
        assert float(shown[key.replace("_", " ")]) == pytest.approx(first[key], rel=1e-5)
    assert [float(end) for end in shown["interval"].split(",")] == pytest.approx(first["interval"], rel=1e-5)
    assert shown["why"] == first["reason"]


def test_latex(board: Board) -> None:
    lines = latex.table(board).splitlines()
    stamp = board.rules.stamp
    assert lines[:4] == [
        r"% table1, profile mini; needs \usepackage{booktabs,siunitx,amssymb}",
        f"% judged by the rules {stamp}",
        r"\begin{table}",
        r"\centering",
    ]
    assert lines[5:30] == [
        r"\label{tab:table1}",
        r"\smallskip\fontsize{10}{12}\selectfont\setlength{\tabcolsep}{6pt}",
        r"\sisetup{separate-uncertainty=true, tight-spacing=true, group-minimum-digits=12}",
        r"\begin{tabular}{@{}lS[table-format=2.2(2)]@{\,}lS[table-format=2.2(2)]@{\,}l@{}}",
        r"\toprule",
        r"Model & \multicolumn{2}{c}{ImageNet} & \multicolumn{2}{c}{ImageNet-R} \\",
        r"\midrule",
        r"MoCo-v2 - k = 16384 & 77.88+-0.28 &  & 32.92+-0.12 &  \\",
        r" & 77.89+-0.25 & $\checkmark$ & 12.75+-0.25 & $\times$ \\",
        r"\addlinespace[0.5pt]",
        r"+ Texture-based - $\alpha$ = 2 & 77.76+-0.17 &  & 33.36+-0.15 &  \\",
        r" & \multicolumn{4}{c}{not runnable\textsuperscript{1}} \\",
        r"\midrule",
        r"MoCo-v2* & 80.00+-0.14 &  & 30.38+-0.30 & ? \\",
        r" & 80.10 & \textsuperscript{2} & 30.50+-0.50 & ? \\",
        r"\midrule",
        r"BYOL & 78.76+-0.28 &  & 39.53+-0.51 &  \\",
        r" & {failed} & \textsuperscript{3} & {not run} & \textsuperscript{4} \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\smallskip",
        r"{\fontsize{8}{9.5}\selectfont\raggedright",
        r"Unit: percent.\par",
        r"$\checkmark$ reproduced: no difference is seen, and one as large as the margin is ruled out; "
        r"$\times$ differs: not as reported, beyond chance; "
        r"? suspect in the paper: the reported number is no target.\par",
        r"\textsuperscript{1}\,no textures\par",
    ]
    assert lines[-2:] == [r"\end{tabular}", r"\end{table}"]


def test_markdown_escapes_what_it_would_take_for_markup() -> None:
    assert markup._safe("a|b\n<c> *d* `e` ![f](javascript:g) &amp;") == (
        r"a\|b &lt;c> \*d\* \`e\` ![f]\(javascript:g) &amp;amp;"
    )


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@x", " =1", "\t1", "\n=1", "\r=1", "＝1", "\u00a0=1"])
def test_csv_text_is_never_a_formula(text: str) -> None:
    assert markup._written(text).startswith("'")


def test_csv_numbers_are_numbers() -> None:
    written = [markup._written(value) for value in (-0.5, 3, None, True, "77.88 is fine")]
    assert written == ["-0.5", "3", "", "true", "77.88 is fine"]
