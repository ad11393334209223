# ruff: noqa: F811  (fixtures of another file)
"""`repro report` as it is typed: what it writes, what it prints, which sentence for each mistake."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.plan.expand import Options, expand
from repro.spec import load
from repro.store import Store
from tests.conftest import CHECKOUT
from tests.judge.figures import keep
from tests.render.report.tree import read
from tests.test_cli import ENVIRONMENT, ROW, TABLES, _elsewhere, measured  # noqa: F401  (fixtures)

Typed = Callable[..., tuple[int, str, str]]


def test_the_verb_explains_itself(typed: Typed) -> None:
    code, out, err = typed("report", "--help")
    assert (code, err) == (0, "")
    assert out.startswith("Usage: repro report [OPTIONS] [TABLE]...")


def test_everything_is_on_one_page(typed: Typed, measured: Path) -> None:
    code, out, err = typed("report", "--profile", measured, "--seeds", "0,1")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first == "profile tiny: a few drawn images, for tests"
    assert second.startswith(f"report.html: {len(TABLES)} tables and figures, ")
    root = read(Path("report.html").read_text(encoding="utf-8"))
    shown = [node.attributes["id"] for node in root.all("section", class_="chapter")]
    assert sorted(shown) == TABLES
    panel = root.one(id=f"table1/{ROW}:imagenet")
    assert f"repro run table1 --profile {measured} --seeds 0,1 --rows {ROW} --columns imagenet" in panel.text


def test_a_figure_that_has_numbers_is_drawn(typed: Typed, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.parent)
    specs = load.specs()
    plan = expand(specs.tables, specs.table("figure5"), load.profile(str(tiny)), Options(seeds=[0]))
    keep(Store(Path("results")), plan, ("patch-k4096", "imagenet"), [{"top1": 61.5}])
    assert typed("report", "figure5", "figure4", "--profile", tiny, "--seeds", "0")[0] == 0
    root = read(Path("report.html").read_text(encoding="utf-8"))
    (image,) = root.all("img")
    assert image.attributes["alt"].startswith("Figure 5 of the paper: Top-1 accuracy on the ImageNet-100 dataset")
    kind, _, content = image.attributes["src"].partition(";base64,")
    assert kind == "data:image/svg+xml"
    assert b"<svg" in b64decode(content)
    numbers = root.one("a", download="figure5-figure.csv").attributes["href"].partition(";base64,")[2]
    assert "ours,+ Patch-based NS" in b64decode(numbers).decode().replace("'", "")
    assert ",61.5," in b64decode(numbers).decode()


def test_the_same_results_give_the_same_page(typed: Typed, measured: Path) -> None:
    asked = ["report", "table1", "--profile", measured, "--seeds", "0,1", "-o"]
    assert [typed(*asked, name)[0] for name in ("a.html", "b.html")] == [0, 0]
    assert Path("a.html").read_bytes() == Path("b.html").read_bytes()


def test_tables_that_are_named_are_shown_alone_with_their_remarks(typed: Typed) -> None:
    code, out, _ = typed("report", "figure6", "table2", "figure6", "--output", "out/page.html")
    assert code == 0
    assert out.splitlines()[1].startswith("out/page.html: 2 tables and figures, 71 cells, ")
    root = read(Path("out/page.html").read_text(encoding="utf-8"))
    assert [node.attributes["id"] for node in root.all("section", class_="chapter")] == ["figure6", "table2"]
    assert {
        row.attributes["data-table"] for row in root.all("tr", data_row="") if "data-severity" in row.attributes
    } == {
        "figure6",
        "table2",
    }


def test_rows_and_columns_are_of_one_table(typed: Typed) -> None:
    code, out, _ = typed("report", "table1", "--rows", ROW, "--columns", "imagenet")
    assert (code, out.splitlines()[1].split(", ")[:2]) == (0, ["report.html: 1 table or figure", "1 cell"])
    assert typed("report", "table1", "table2", "--rows", ROW, "--columns", "imagenet") == (
        2,
        "",
        "repro: --rows, --columns: meant for one table, found 2; name it: repro report TABLE\n",
    )


def test_a_table_that_is_not_there_is_told(typed: Typed) -> None:
    code, _, err = typed("report", "tabel1")
    assert code == 2
    assert err.startswith('repro: no table or figure "tabel1"; there are ')
    assert err.endswith('; did you mean "table1"?\n')
    assert not Path("report.html").exists()


def test_a_place_that_cannot_be_written_is_told(typed: Typed) -> None:
    Path("taken").write_text("", encoding="utf-8")
    assert typed("report", "table3", "-o", "taken/page.html") == (
        2,
        "",
        "repro: taken/page.html: a folder was expected and a file is in the way; move it or name another folder with "
        "--output\n",
    )


def test_results_without_a_record_make_a_page_too(typed: Typed) -> None:
    assert typed("report", "table3", "--profile", "paper", "--results", "nowhere")[0] == 0
    text = read(Path("report.html").read_text(encoding="utf-8")).text
    assert "no job has a record yet" in text
    assert not Path("nowhere").exists()


@pytest.mark.parametrize("words", [[], ["table1"]])
def test_no_page_needs_torch_or_matplotlib(words: list[str], tmp_path: Path) -> None:
    script = (
        "import sys\nfrom repro.cli import main\n"
        f"sys.argv = ['repro', 'report', *{words!r}]\nassert main() == 0\n"
        "heavy = {'torch', 'torchvision', 'matplotlib'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_page_of_all_tables_is_small(typed: Typed) -> None:
    assert typed("report")[0] == 0
    assert Path("report.html").stat().st_size < 1_500_000


def test_the_parts_of_the_page_are_beside_its_code() -> None:
    """A wheel takes all files of the package, so these too."""
    folder = CHECKOUT / "repro" / "render" / "report"
    assert {path.name for path in folder.iterdir() if path.suffix in (".css", ".js")} == {
        "page.css",
        "print.css",
        "page.js",
    }
