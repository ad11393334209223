"""The same judged table as LaTeX, Markdown and CSV: the numbers, the words for their absence, the escaping."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from repro.judge.board import Board, assemble
from repro.plan.expand import Options, expand
from repro.render import latex, markup
from repro.spec import load
from repro.spec.profile import Profile
from repro.store import Record, Store

SPECS = load.specs()


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """Two rows and two columns, one cell measured with three seeds, one of them at a judged profile."""
    mini = load.profile("mini").model_dump(by_alias=True)
    data = {name: one for name, one in mini["datasets"].items() if name != "imagenet-100-texture/train"}
    lacking = {"judges": "cells", "datasets": data, "missing": {"imagenet-100-texture/train": "no textures"}}
    means = Profile.model_validate({**mini, **lacking})
    rows = ["moco-k16384", "moco-k16384-texture-a2"]
    options = Options(seeds=[0, 1, 2], rows=rows, columns=["imagenet", "imagenet-r"])
    plan, store = expand(SPECS.tables, SPECS.table("table1"), means, options), Store(tmp_path)
    for seed, value in enumerate((77.61, 77.95, 78.10)):
        job = plan.jobs[plan.cells["moco-k16384", "imagenet"][seed]]
        store.write(Record(job.id, job.content, job.label, {"top1": value}, {}, "2026-01-01T00:00:00+00:00", 1, 1, {}))
    return assemble(SPECS.tables, plan, store)


def test_latex(board: Board) -> None:
    lines = latex.table(board).splitlines()
    assert lines[0] == r"% table1, profile mini; needs \usepackage{booktabs,siunitx,amssymb}"
    assert r"\begin{tabular}{llSS}" in lines
    assert r"MoCo-v2 - k = 16384 & reported & 77.88+-0.28 & 32.92+-0.12 \\" in lines
    assert r" & ours & 77.89+-0.25 {$\checkmark$} & {not run} \\" in lines
    assert r"+ Texture-based - $\alpha$ = 2 & reported & 77.76+-0.17 & 33.36+-0.15 \\" in lines
    assert lines[-2:] == [r"\end{tabular}", r"\end{table}"]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("a_b & 5 % of $x #1 ~ ^", r"a\_b \& 5 \% of \$x \#1 \textasciitilde{} \textasciicircum{}"),
        ("77.88 ± 0.28", r"77.88 $\pm$ 0.28"),
    ],
)
def test_latex_escapes_what_it_would_take_for_a_command(text: str, escaped: str) -> None:
    assert latex.escape(text) == escaped


def test_markdown(board: Board) -> None:
    text = markup.markdown(board)
    assert "| MoCo-v2 - k = 16384 " in text
    assert "| 77.88 ± 0.28 " in text
    assert "| 77.89 ± 0.25 ✓ " in text
    assert "| not run " in text
    assert "in the paper" in text


def test_csv(board: Board) -> None:
    rows = list(csv.DictReader(io.StringIO(markup.csv(board))))
    assert len(rows) == 4
    first = rows[0]
    assert (first["row"], first["column"], first["reported_mean"], first["reported_std"]) == (
        "moco-k16384",
        "imagenet",
        "77.88",
        "0.28",
    )
    assert (round(float(first["mean"]), 4), first["n"], first["verdict"]) == (77.8867, "3", "reproduced")
    assert [row["mean"] for row in rows[1:]] == ["", "", ""]
    assert rows[2]["verdict"] == "not runnable"


@pytest.mark.parametrize("reason", ["=HYPERLINK(1)", "+1", "-1", "@x"])
def test_csv_text_is_never_a_formula(reason: str) -> None:
    assert markup._plain(reason) == f"'{reason}"
