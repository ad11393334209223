# ruff: noqa: F811  (fixtures of another file)
r"""`repro export --format macros`, and papers that are compiled with it: a number that has changed is an error."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest

from repro.judge import rules
from repro.store import Store
from tests.latex import ARTICLE, compiled, needed
from tests.test_cli import ROW, _elsewhere, _plan, measured  # noqa: F401  (fixtures)

Typed = Callable[..., tuple[int, str, str]]
NAME = f"table1.{ROW}.imagenet"
TABLE = ["--rows", ROW, "--seeds", "0,1"]


@pytest.fixture
def paper(measured: Path, typed: Typed) -> Callable[..., list[str]]:
    """A folder `paper` with the numbers of a row: compiles a text there, gives the errors and warnings."""
    rules.note(_plan(measured, seeds=[0, 1], rows=[ROW]), Store(Path("results")))
    written = ["--format", "macros", "--profile", measured, *TABLE, "-o", "paper/numbers.tex"]
    assert typed("export", "table1", *written) == (0, "", "")

    def compile_(text: str, *, more: str = "", engine: str = "pdflatex") -> list[str]:
        code, complaints = compiled(ARTICLE % (rf"\input{{numbers}}{more}", text), Path("paper"), engine=engine)
        assert bool(code) is any(line.startswith("!") for line in complaints)
        return complaints

    return compile_


def records(name: str = NAME) -> list[Path]:
    """The records of a number, as the file for the paper names them."""
    line = re.search(rf"repro@cell\{{{re.escape(name)}\}}.*", Path("paper/numbers.tex").read_text(encoding="utf-8"))
    assert line is not None
    return [Path("results") / path for path in re.findall(r"record\{(.*?)\}", line[0])]


def test_the_numbers_stand_in_the_file(paper: object) -> None:
    text = Path("paper/numbers.tex").read_text(encoding="utf-8")
    assert r"\edef\repro@folder{\detokenize{../results}}" in text
    assert rf"\repro@cell{{{NAME}}}{{30.50}}{{0.71}}{{2}}{{77.88+-0.28}}{{}}{{measured}}" in text
    assert len(records()) == 2
    assert all(path.is_file() for path in records())


@pytest.mark.parametrize("engine", ["pdflatex", "xelatex", "lualatex"])
def test_a_paper_whose_numbers_are_as_they_were_is_compiled(paper: Callable[..., list[str]], engine: str) -> None:
    needed(engine)
    text = rf"\section{{\repro{{{NAME}}}}} $x = \repro[mean]{{{NAME}}}$ \newcommand\row{{{ROW}}}"
    text += r"\repro[reported]{table1.\row.imagenet} \repro[sd]{table1.\row.imagenet}"
    assert paper(text, engine=engine) == []


@pytest.mark.skipif(which("pdftotext") is None, reason="pdftotext is not installed")
def test_each_part_of_a_number_is_printed(paper: Callable[..., list[str]]) -> None:
    parts = ["value", "mean", "sd", "n", "reported", "verdict"]
    shown = "; ".join(rf"\repro[{part}]{{{NAME}}}" for part in parts)
    assert paper(rf"\noindent (\repro{{{NAME}}}); {shown}.") == []
    text = subprocess.run(["pdftotext", "paper/paper.pdf", "-"], capture_output=True, text=True, check=True).stdout
    expected = "(30.50 ± 0.71); 30.50 ± 0.71; 30.50; 0.71; 2; 77.88 ± 0.28; measured."
    assert " ".join(text.split()).startswith(expected)


def test_a_record_that_changed_is_an_error(paper: Callable[..., list[str]]) -> None:
    first, second = records()
    second.write_text(second.read_text(encoding="utf-8") + " ", encoding="utf-8")
    written = "repro export table1 --profile "
    told = paper(rf"\repro{{{NAME}}} and again \repro[mean]{{{NAME}}}")
    assert len(told) == 1
    assert told[0].startswith(
        f"! Package repro Error: the record that {NAME} rests on has changed since the number was written: "
        f"../{second}; write it again with {written}"
    )
    assert told[0].endswith(" --seeds 0,1 --format macros -o paper/numbers.tex.")
    assert first.is_file()


def test_a_record_that_is_gone_is_an_error(paper: Callable[..., list[str]]) -> None:
    first, _ = records()
    first.unlink()
    assert paper(rf"\repro{{{NAME}}}") == [
        f"! Package repro Error: the record that {NAME} rests on is not there: ../{first}; say where the results are "
        r"with \reproresults{FOLDER}, or do without with \reprounchecked."
    ]


def test_a_record_that_came_since_is_an_error(measured: Path, typed: Typed, paper: Callable[..., list[str]]) -> None:
    written = ["--format", "macros", "--profile", measured, "--rows", ROW, "--seeds", "0,1,2"]
    assert typed("export", "table1", *written, "-o", "paper/numbers.tex") == (0, "", "")
    *_, third = records()
    assert paper(rf"\repro[n]{{{NAME}}}") == []
    third.parent.mkdir(parents=True)
    third.write_text("{}", encoding="utf-8")
    (told,) = paper(rf"\repro[n]{{{NAME}}}")
    assert f"the record that {NAME} rests on has come since the number was written: ../{third}; write" in told


def test_only_records_of_numbers_in_the_paper_are_looked_at(paper: Callable[..., list[str]]) -> None:
    for path in records(f"table1.{ROW}.imagenet-r"):
        path.unlink()
    assert paper(rf"\repro{{{NAME}}} \repro[reported]{{table1.{ROW}.imagenet-r}}") == []
    assert len(paper(rf"\repro{{table1.{ROW}.imagenet-r}}")) == 2


def test_rules_of_judging_that_changed_are_an_error(paper: Callable[..., list[str]]) -> None:
    path = Path("results/rules/table1-tiny.json")
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    (told,) = paper(rf"\repro[verdict]{{{NAME}}}")
    assert told.startswith(
        f"! Package repro Error: the list of the rules of judging that {NAME} rests on has changed since the number "
        f"was written: ../{path}; write it again with repro export table1 "
    )


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            r"\repro{table1.typo.imagenet}",
            "there is no number table1.typo.imagenet; a name is TABLE.ROW.COLUMN, by their ids.",
        ),
        (
            rf"\repro[median]{{{NAME}}}",
            f"{NAME}: expected [mean], [sd], [n], [reported], [difference] or [verdict], found [median].",
        ),
        (
            rf"\repro[difference]{{{NAME}}}",
            f'{NAME} has no difference: measured, on the data of the profile "tiny".',
        ),
    ],
)
def test_what_is_not_there_is_an_error(asked: str, told: str, paper: Callable[..., list[str]]) -> None:
    assert paper(asked) == [f"! Package repro Error: {told}"]


def test_a_cell_without_a_number_has_its_reason(measured: Path, typed: Typed, paper: Callable[..., list[str]]) -> None:
    written = ["--format", "macros", "--profile", measured, "--rows", "byol", "--seeds", "0"]
    assert typed("export", "table1", *written, "-o", "paper/numbers.tex") == (0, "", "")
    told = "! Package repro Error: table1.byol.imagenet has no number: not run, no result of this recipe yet."
    assert paper(r"\repro{table1.byol.imagenet} \repro[reported]{table1.byol.imagenet}") == [told]


def test_without_results_a_paper_is_compiled_with_a_warning(paper: Callable[..., list[str]]) -> None:
    Path("results").rename("elsewhere")
    assert len(paper(rf"\repro{{{NAME}}}")) == 3
    warning = r"Package repro Warning: \reprounchecked: no number is checked against the results it came from."
    assert paper(rf"\repro{{{NAME}}}", more=r"\reprounchecked") == [warning]
    assert paper(rf"\repro{{{NAME}}}", more=r"\reproresults{../elsewhere}") == []


@pytest.mark.parametrize("engine", ["pdflatex", "xelatex", "lualatex"])
def test_folders_may_have_any_name(measured: Path, typed: Typed, paper: Callable[..., list[str]], engine: str) -> None:
    needed(engine)
    Path("results").rename("my_results 50% #1 {é}")
    written = ["--format", "macros", "--profile", measured, *TABLE, "--results", "my_results 50% #1 {é}"]
    assert typed("export", "table1", *written, "-o", "paper/numbers.tex") == (0, "", "")
    assert paper(rf"\repro{{{NAME}}}", engine=engine) == []


def test_a_number_that_two_files_have_is_an_error(
    measured: Path, typed: Typed, paper: Callable[..., list[str]]
) -> None:
    written = ["--format", "macros", "--profile", measured, *TABLE]
    assert typed("export", "table1", *written, "-o", "paper/other.tex") == (0, "", "")
    (told,) = paper(rf"\repro{{{NAME}}}", more=r"\input{other}")
    assert told.startswith(f"! Package repro Error: {NAME} was written twice: by repro export table1 ")
    assert told.endswith("-o paper/other.tex; leave one of the two files out.")
    assert paper("x", more=r"\input{other}") == []


def test_without_a_table_the_numbers_of_all_are_written(typed: Typed) -> None:
    code, out, err = typed("export", "--format", "macros", "--seeds", "0")
    assert (code, err) == (0, "")
    for table in ("table1", "table4", "fnc", "figure13"):
        assert re.search(rf"^\\repro@cell{{{table}\.", out, re.MULTILINE)
    code, out, err = typed("export", "--format", "csv")
    assert (code, out) == (2, "")
    assert err.endswith(
        "Error: Missing argument 'TABLE'. Only --format macros does without, and then writes those of every table.\n"
    )
