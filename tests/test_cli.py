"""Every verb as it is typed: what it prints, which JSON, which exit code, which sentence for each mistake."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import resource
import shutil
import subprocess
import sys
import tomllib
import unicodedata
import zipfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from repro.plan.expand import Options, Plan, expand, has_card
from repro.spec import load
from repro.store import Record, Store
from tests import mounts
from tests.conftest import CHECKOUT, NO_TEXTURES

Typed = Callable[..., tuple[int, str, str]]
ROW = "moco-k16384"
BLOCKED = "moco-k16384-texture-a2"  # the tests' profile has no textures
COLUMNS = ["imagenet", "imagenet-c", "imagenet-s", "stylized-imagenet", "imagenet-r"]
METRIC = {column: "mean_accuracy" if column == "imagenet-c" else "top1" for column in COLUMNS}
TABLES = sorted(path.stem for folder in ("tables", "figures") for path in (CHECKOUT / folder).glob("*.toml"))
ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
ENVIRONMENT["PYTHONPATH"] = str(CHECKOUT)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are typed in an empty folder; what they leave there, they leave nowhere else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


def _plan(profile: Path, **options: Any) -> Plan:
    specs = load.specs()
    return expand(specs.tables, specs.table("table1"), load.profile(str(profile)), Options(**options))


def _measure(results: Path, plan: Plan, values: Mapping[tuple[str, str, int], float]) -> None:
    """Put records into a results folder as if workers had computed them."""
    store = Store(results)
    for (row, column, seed), value in values.items():
        job = plan.jobs[plan.cells[row, column][seed]]
        found = {METRIC[column]: value}
        store.write(Record(job.id, job.content, job.label, found, {}, "2026-01-01T00:00:00+00:00", 1.0, 1.0, {}))


def _shell(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "repro", *words]
    return subprocess.run(
        command, cwd=cwd, env={**ENVIRONMENT, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


# ------------------------------------------------------------------------------------------------- help and version


@pytest.mark.parametrize(
    "verb", ["", "list", "show", "plan", "run", "check", "export", "figure", "report", "data", "data sheet"]
)
def test_each_verb_explains_itself(verb: str, typed: Typed) -> None:
    code, out, err = typed(*verb.split(), "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: {' '.join(['repro', *verb.split()])} [OPTIONS]")


def test_repro_alone_prints_the_verbs(typed: Typed) -> None:
    code, out, err = typed()
    assert (code, err) == (0, "")
    assert all(f"\n  {verb} " in out for verb in ("list", "show", "plan", "run", "check", "export", "data"))


def test_the_version_is_told_installed_or_not(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", lambda name: "1.2.3")
    assert typed("--version") == (0, "repro 1.2.3\n", "")
    monkeypatch.setattr(metadata, "version", absent)
    assert typed("--version") == (0, "repro, from a checkout that is not installed\n", "")


# ------------------------------------------------------------------------------------------------------------- list


def test_list_names_every_table_and_figure(typed: Typed) -> None:
    code, out, err = typed("list")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("profile mini: ")
    assert sorted(re.findall(r"^((?:table|figure)\d+|fnc) ", out, re.MULTILINE)) == TABLES


def test_list_counts_what_is_done(tiny: Path, typed: Typed) -> None:
    plan = _plan(tiny, seeds=[0, 1, 2])
    _measure(Path("results"), plan, {(ROW, "imagenet", 0): 10.0, (ROW, "imagenet-r", 1): 20.0})
    (Path("results") / "00").mkdir(exist_ok=True)  # a folder without a record is nothing done
    code, out, _ = typed("list", "--profile", tiny, "--json")
    told = json.loads(out)
    assert code == 0
    assert told.keys() == {"schema", "profile", "tables"}
    assert (told["schema"], told["profile"]) == (1, "tiny")
    keys = {"id", "title", "section", "rows", "columns", "claims", "reported", "done", "units", "not_runnable"}
    assert all(table.keys() == keys for table in told["tables"])
    first = next(table for table in told["tables"] if table["id"] == "table1")
    spec = tomllib.loads((CHECKOUT / "tables" / "table1.toml").read_text(encoding="utf-8"))
    assert first["reported"] == sum(len(row.get("reported", {})) for row in spec["rows"])
    assert (first["rows"], first["columns"]) == (len(spec["rows"]), 5)
    assert first["done"] == 2
    assert first["units"] == 3 * len(plan.cells)
    assert f"2 of {3 * len(plan.cells)}" in typed("list", "--profile", tiny)[1]


def test_the_cpu_time_of_list_is_told_not_judged(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert _shell("list", cwd=tmp_path).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"repro list: {spent:.2f} s of CPU time")  # seen with -s; another machine is slower


# ------------------------------------------------------------------------------------------------------------- show


def test_show_prints_the_numbers_as_the_paper_does(typed: Typed) -> None:
    code, out, err = typed("show", "table1")
    assert (code, err) == (0, "")
    for number in ("77.88±0.28", "43.08±0.27", "28.24±0.58", "16.20±0.55", "32.92±0.12"):
        assert number in out
    assert re.search(r"^\d+ claims$", out, re.MULTILINE)


@pytest.mark.parametrize("table", TABLES)
def test_show_json_has_the_documented_layout(table: str, typed: Typed) -> None:
    code, out, err = typed("show", table, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    expected = {"schema", "id", "title", "caption", "section", "columns", "rows", "claims", "texts", "notes"}
    assert told.keys() == expected
    assert (told["schema"], told["id"]) == (1, table)
    assert all(part.keys() == {"id", "label", "metric", "direction"} for part in told["columns"])
    assert {part["direction"] for part in told["columns"]} <= {"up", "down", "none"}
    columns = {part["id"] for part in told["columns"]}
    for row in told["rows"]:
        assert row.keys() == {"id", "label", "origin", "cells"}
        assert row["origin"] in ("paper", "readme", "own")
        assert row["cells"].keys() <= columns
        for cell in row["cells"].values():
            assert cell.keys() == {"text", "mean", "std", "n", "suspect", "suspect_reason"}
    claim = {"id", "section", "quote", "statement", "of_paper", "note", "test"}
    assert all(part.keys() == claim and "kind" in part["test"] for part in told["claims"])
    assert all(part.keys() == {"id", "text", "section", "quote"} for part in told["texts"])
    assert all(part.keys() == {"id", "severity", "text", "claims"} for part in told["notes"])


def test_show_json_has_the_numbers_of_the_file(typed: Typed) -> None:
    told = json.loads(typed("show", "table1", "--json")[1])
    assert [column["id"] for column in told["columns"]] == COLUMNS
    first = told["rows"][0]
    assert first["id"] == ROW
    cell = {"text": "77.88 ± 0.28", "mean": 77.88, "std": 0.28, "n": 3, "suspect": False, "suspect_reason": None}
    assert first["cells"]["imagenet"] == cell
    suspect = next(row for row in told["rows"] if row["id"] == "moco-star")["cells"]["imagenet-r"]
    assert suspect["suspect"] is True
    assert suspect["suspect_reason"]


# ------------------------------------------------------------------------------------------------------------ audit


def test_an_audit_says_what_does_not_fit_with_the_arithmetic(typed: Typed) -> None:
    code, out, err = typed("audit")
    assert (code, err) == (0, "")
    assert out.startswith("the paper against itself: 15 H, 26 M, 21 L\n")
    assert "    moco-k16384-patch-a3:imagenet-r - moco-k16384:imagenet-r = 5.97: the table gives 3.97\n" in out
    assert '"Specifically, patch-based augmentation increases the accuracy on ImageNet-S by 5.79%' in " ".join(
        out.split()
    )
    assert "✗ fails: 2 (C08, C16)" in out
    code, out, _ = typed("audit", "table3")
    assert code == 0
    assert "ImageNet-R" not in out
    code, _, err = typed("audit", "tabel1")
    assert code == 2
    assert 'did you mean "table1"' in err


def test_audit_json_has_the_documented_layout(typed: Typed) -> None:
    told = json.loads(typed("audit", "--json")[1])
    assert told.keys() == {"schema", "remarks", "claims"}
    for remark in told["remarks"]:
        assert remark.keys() == {"id", "table", "severity", "text", "evidence"}
        for one in remark["evidence"]:
            assert one.keys() == {"table", "claim", "statement", "quote", "section", "standing", "arithmetic"}
    standings = {"holds", "by sign only", "fails", "no numbers"}
    assert all(part.keys() == {"table", "id", "of_paper", "standing"} for part in told["claims"])
    assert {part["standing"] for part in told["claims"]} == standings
    first = told["remarks"][0]
    assert (first["id"], first["evidence"][0]["arithmetic"]) == (
        "A1",
        ["moco-k16384-patch-a3:imagenet-r - moco-k16384:imagenet-r = 5.97: the table gives 3.97"],
    )


# ------------------------------------------------------------------------------------------------------------- plan


def test_plan_says_what_would_run_and_why(tiny: Path, typed: Typed) -> None:
    options = ["--profile", tiny, "--rows", f"{ROW},{BLOCKED}", "--columns", "imagenet,imagenet-r", "--seeds", "0,1"]
    plan = _plan(tiny, seeds=[0, 1], rows=[ROW, BLOCKED], columns=["imagenet", "imagenet-r"])
    _measure(Path("results"), plan, {(ROW, column, 0): 10.0 for column in ("imagenet", "imagenet-r")})
    code, out, err = typed("plan", "table1", *options, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    whole = {"schema", "id", "profile", "seeds", "jobs", "source", "seconds", "bytes", "rows", "not_runnable"}
    assert told.keys() == whole
    assert (told["schema"], told["id"], told["profile"], told["seeds"]) == (1, "table1", "tiny", [0, 1])
    keys = {"id", "kind", "label", "seed", "inputs", "action", "reason", "seconds", "bytes"}
    assert all(job.keys() == keys for job in told["jobs"])
    why = {job["label"]: (job["action"], job["reason"]) for job in told["jobs"]}
    fresh = "no record of this recipe, data, seed and code"
    rests = "all that rests on it is done"
    assert why == {
        "data imagenet-100/train": ("run", fresh),
        "data imagenet-100/val": ("run", fresh),
        "data imagenet-100-r": ("run", fresh),
        f"pretrain {ROW}, seed 0": ("spare", rests),
        f"probe {ROW}, seed 0": ("spare", rests),
        f"evaluate imagenet of {ROW}, seed 0": ("reuse", "has a record"),
        f"evaluate imagenet-r of {ROW}, seed 0": ("reuse", "has a record"),
        f"pretrain {ROW}, seed 1": ("run", "no record; needs data first"),
        f"probe {ROW}, seed 1": ("run", "no record; needs pretrain, data first"),
        f"evaluate imagenet of {ROW}, seed 1": ("run", "no record; needs pretrain, probe, data first"),
        f"evaluate imagenet-r of {ROW}, seed 1": ("run", "no record; needs pretrain, probe, data first"),
    }
    known = {job["id"] for job in told["jobs"]}
    assert all(set(job["inputs"].values()) <= known for job in told["jobs"])
    assert [(cell["row"], cell["column"]) for cell in told["not_runnable"]] == [
        (BLOCKED, "imagenet"),
        (BLOCKED, "imagenet-r"),
    ]
    assert told["seconds"] == pytest.approx(sum(job["seconds"] for job in told["jobs"] if job["action"] == "run"))
    code, out, err = typed("plan", "table1", *options)
    assert (code, err) == (0, "")
    assert "\n7 jobs to run, 2 reused, 2 not needed; about " in out
    assert f"not runnable: {BLOCKED} (imagenet, imagenet-r): " in out
    assert not any((Path("results") / name).exists() for name in ("code.json", ".repro"))  # it only looks


# ---------------------------------------------------------------------------------------------------- check, export

CHECK_KEYS = {
    "schema", "id", "title", "caption", "profile", "seeds", "source", "exit", "reason", "counts", "rules", "rows",
    "columns", "cells", "claims",
}  # fmt: skip
CELL_KEYS = {
    "row", "column", "unit", "reported", "suspect", "seeds", "ours", "verdict", "reason", "flags", "difference",
    "literal", "interval", "difference_p", "equivalence_p", "spread_p", "table_p", "deviation", "further_seeds",
    "expected",
}  # fmt: skip


@pytest.fixture
def measured(tiny: Path) -> Path:
    """Results in which the row has every column for two seeds; returns the profile's file."""
    plan = _plan(tiny, seeds=[0, 1], rows=[ROW])
    values = {(ROW, column, seed): 30.0 + seed for column in COLUMNS for seed in (0, 1)}
    _measure(Path("results"), plan, values)
    return tiny


def test_check_is_content_with_a_whole_row(measured: Path, typed: Typed) -> None:
    code, out, err = typed("check", "table1", "--profile", measured, "--rows", ROW, "--seeds", "0,1")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "check table1: no cell differs and no claim is contradicted (exit 0)"
    assert "30.50±0.71" in out
    assert "77.88±0.28" in out


def test_check_says_what_is_not_run_yet(measured: Path, typed: Typed) -> None:
    code, out, _ = typed("check", "table1", "--profile", measured, "--rows", ROW, "--seeds", "0,1,2")
    assert code == 3
    assert out.splitlines()[-1] == "check table1: 5 of 5 cells are not run, partial or failed (exit 3)"


def test_check_says_where_ours_differ(measured: Path, typed: Typed) -> None:
    text = measured.read_text(encoding="utf-8")
    strict = measured.with_name("strict.toml")
    strict.write_text(text.replace('"tiny"', '"strict"').replace('"claims"', '"cells"', 1), encoding="utf-8")
    code, out, _ = typed(
        "check", "table1", "--profile", strict, "--rows", ROW, "--columns", "imagenet", "--seeds", "0,1"
    )
    assert code == 1
    assert re.fullmatch(r"check table1: 1 cells? differs? \(exit 1\)", out.splitlines()[-1])


def test_check_says_that_nothing_can_be_run(tiny: Path, typed: Typed) -> None:
    code, out, _ = typed("check", "table1", "--profile", tiny, "--rows", BLOCKED)
    assert code == 4
    assert out.splitlines()[-1] == f"check table1: nothing can be run: {NO_TEXTURES} (exit 4)"
    code, _, err = typed("run", "table1", "--profile", tiny, "--rows", BLOCKED)
    assert (code, err) == (4, f"repro: nothing can be run: {NO_TEXTURES}\n")


def test_check_json_has_the_documented_layout(measured: Path, typed: Typed) -> None:
    options = ["--profile", measured, "--rows", f"{ROW},{BLOCKED}", "--seeds", "0,1"]
    code, out, err = typed("check", "table1", *options, "--json")
    assert err == ""
    told = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert told.keys() == CHECK_KEYS
    assert (told["schema"], told["id"], told["profile"], told["seeds"]) == (1, "table1", "tiny", [0, 1])
    assert told["exit"] == code == 0
    assert told["reason"] == "no cell differs and no claim is contradicted"
    assert told["counts"] == {"measured": 5, "not runnable": 5}
    assert all(cell.keys() == CELL_KEYS for cell in told["cells"])
    first = told["cells"][0]
    assert (first["row"], first["column"], first["verdict"]) == (ROW, "imagenet", "measured")
    assert first["reported"] == {"mean": 77.88, "std": 0.28}
    assert first["seeds"] == {"0": 30.0, "1": 31.0}
    reading = {"verdict", "holds", "reason"}
    for claim in told["claims"]:
        assert claim.keys() == {"id", "statement", "section", "of_paper", "paper", "ours"}
        assert claim["paper"].keys() == claim["ours"].keys() == reading
    assert json.loads(typed("export", "table1", *options, "--format", "json")[1]) == told


def test_every_key_of_the_json_is_in_its_documentation(measured: Path, typed: Typed) -> None:
    text = (CHECKOUT / "docs" / "json.md").read_text(encoding="utf-8")
    for verb in (["list"], ["show", "table1"], ["plan", "table1"], ["check", "table1"]):
        options = [] if verb[0] == "show" else ["--profile", measured]
        section = text.partition(f"## `repro {verb[0]}")[2].partition("\n## ")[0]
        free = {"cells", "counts", "seeds", "inputs", "test", "policy", "margins"}  # below these the keys are ids
        missing = {key for key in _keys(json.loads(typed(*verb, *options, "--json")[1]), free) if key not in section}
        assert not missing, verb


def _keys(node: Any, free: set[str]) -> set[str]:
    if isinstance(node, list):
        return {key for part in node for key in _keys(part, free)}
    if not isinstance(node, dict):
        return set()
    below = {
        inner for key, part in node.items() if key not in free or isinstance(part, list) for inner in _keys(part, free)
    }
    return node.keys() | below


def test_the_exports_hold_the_numbers(measured: Path, typed: Typed) -> None:
    options = ["--profile", measured, "--rows", f"{ROW},{BLOCKED}", "--seeds", "0,1"]
    code, out, err = typed("export", "table1", *options)
    assert (code, err) == (0, "")
    assert out.startswith("**Table 1**, profile `tiny`, seeds 0, 1\n\n|")
    assert "| 77.88 ± 0.28" in out
    assert "| 30.50 ± 0.71" in out
    assert out == typed("export", "table1", *options, "--format", "markdown")[1]
    lines = list(csv.DictReader(io.StringIO(typed("export", "table1", *options, "--format", "csv")[1])))
    assert [line["kind"] for line in lines] == ["cell"] * 10 + ["claim"] * 30
    head = "table,profile,row,column,reported_mean,reported_std,mean,std,n,verdict,reason"
    assert list(lines[0])[:11] == head.split(",")
    first, last = lines[0], lines[9]
    assert (first["reported_mean"], first["mean"], first["n"], first["verdict"]) == ("77.88", "30.5", "2", "measured")
    assert (last["row"], last["mean"], last["n"], last["verdict"]) == (BLOCKED, "", "0", "not runnable")
    out = typed("export", "table1", *options, "--format", "latex")[1]
    assert out.count(r"\begin{table}") == out.count(r"\end{table}") == 3  # its claims go over a page
    assert "77.88+-0.28" in out
    assert "30.50+-0.71" in out
    for form in ("latex", "markdown", "csv", "json"):
        printed = typed("export", "table1", *options, "--format", form)[1]
        assert typed("export", "table1", *options, "--format", form, "-o", f"deep/{form}.txt") == (0, "", "")
        assert Path(f"deep/{form}.txt").read_text(encoding="utf-8") == printed


# -------------------------------------------------------------------------------------------- what can be typed wrong

KNOWN_TABLES = (
    "table1, table2, table3, table4, fnc, figure1, figure2, figure3, figure4, figure5, figure6, figure7, figure9, "
    "figure10, figure12, figure13"
)
KNOWN_COLUMNS = "imagenet, imagenet-c, imagenet-s, stylized-imagenet, imagenet-r"
WRONG = {
    "show tabel1": f'no table or figure "tabel1"; there are {KNOWN_TABLES}; did you mean "table1"?',
    "check xyz": f'no table or figure "xyz"; there are {KNOWN_TABLES}',
    "plan table1 --columns imagnet": (
        f'table1 has no column "imagnet"; there are {KNOWN_COLUMNS}; did you mean "imagenet"?'
    ),
    "list --profile mimi": (
        'no profile "mimi"; there are mini, paper, pilot, or name a .toml file; did you mean "mini"?'
    ),
    "run table1 --profile no.toml": 'no profile "no.toml"; there are mini, paper, pilot, or name a .toml file',
    "plan table1 --seeds one": '--seeds: expected whole numbers with commas between, such as 0,1,2, found "one"',
    "plan table1 --seeds 0,0": '--seeds: expected different numbers from 0 up, found "0,0"',
    "run table1 --seeds=-1": '--seeds: expected different numbers from 0 up, found "-1"',
    "run table1 --seeds ,": '--seeds: expected different numbers from 0 up, found ","',
    "run table1 --rows ,": '--rows: expected ids with commas between, found ","',
    "run table1 --columns ,": '--columns: expected ids with commas between, found ","',
    "run table1 --data photos": '--data: the profile "mini" asks for no folder, found "photos"',
    "run table1 --profile pilot --data photographs=": '--data: expected a folder, found "photographs="',
    "run table1 --profile pilot --data a --data b": '--data: "photographs" is given twice, as a and b',
    "check table1 --profile two.toml --data a=b": '--data: expected NAME=DIR with NAME one of left, right, found "a=b"',
    "run table1 --weights mine.pth": "a network of your own needs both: --as NAME, the id of its row is missing",
    "run table1 --as mine": "a network of your own needs both: --weights FILE, its network is missing",
    "run table1 --weights mine.pth --as Mine": '--as: expected small letters, digits, "." and "-", found "Mine"',
}


@pytest.mark.parametrize("line", list(WRONG))
def test_what_is_typed_wrong_is_one_sentence(line: str, typed: Typed) -> None:
    text = (CHECKOUT / "profiles" / "mini.toml").read_text(encoding="utf-8")
    two = text.replace('"mini"', '"two"').replace("[scale]", '[data]\nleft = "l"\nright = "r"\n[scale]', 1)
    Path("two.toml").write_text(two, encoding="utf-8")
    assert typed(*line.split()) == (2, "", f"repro: {WRONG[line]}\n")
    assert not Path("results").exists()


@pytest.mark.skipif(has_card(), reason="this machine has a graphics card")
def test_a_graphics_card_that_is_not_there_is_told(typed: Typed) -> None:
    sentence = "repro: --device cuda: this machine shows no graphics card; --device cpu does without\n"
    assert typed("run", "table1", "--device", "cuda") == (2, "", sentence)
    assert typed("plan", "table1", "--device", "cuda", "--rows", ROW)[0] == 0  # for another machine


def test_an_unknown_row_is_told_with_every_row(typed: Typed) -> None:
    spec = tomllib.loads((CHECKOUT / "tables" / "table1.toml").read_text(encoding="utf-8"))
    rows = ", ".join(row["id"] for row in spec["rows"])
    sentence = f'repro: table1 has no row "moco-k16834"; there are {rows}; did you mean "moco-k16384"?\n'
    assert typed("run", "table1", "--rows", f"{ROW},moco-k16834") == (2, "", sentence)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("shoe", "No such command 'shoe'."),
        ("show", "Missing argument 'TABLE'."),
        ("plan table1 --limit 0", "Invalid value for '--limit': 0 is not in the range x>=1."),
        ("run table1 --workers none", "Invalid value for '--workers': 'none' is not a valid integer range."),
        ("run table1 --silence -1", "Invalid value for '--silence': -1.0 is not in the range 0<=x<=10080."),
        ("figure 6 --silence nan", "Invalid value for '--silence': expected a number of minutes, found nan"),
        ("plan table1 --device tpu", "Invalid value for '--device': 'tpu' is not one of 'auto', 'cpu', 'cuda'."),
        ("plan table1 --sedes 1", "No such option"),
    ],
)
def test_what_the_parser_refuses_is_usage(line: str, sentence: str, typed: Typed) -> None:
    code, out, err = typed(*line.split())
    assert (code, out) == (2, "")
    assert err.startswith("Usage: repro ")
    assert f"\nError: {sentence}" in err


def test_folders_of_images_are_looked_at_before_anything_runs(typed: Typed) -> None:
    expected = "expected a folder of images (train/ and val/ with one folder a class), found"
    pilot = ["run", "table1", "--profile", "pilot"]
    assert typed(*pilot, "--data", "nowhere") == (4, "", f"repro: nowhere: {expected} nothing\n")
    Path("file").write_text("")
    assert typed(*pilot, "--data", "file") == (4, "", f"repro: file: {expected} a file\n")
    Path("empty").mkdir()
    sentence = "repro: empty: expected train/ and val/ with one folder a class, found no file\n"
    assert typed(*pilot, "--data", "photographs=empty") == (4, "", sentence)
    Path("broken").mkdir()
    Path("broken/link.jpg").symlink_to("nowhere")
    sentence = "repro: broken/link.jpg: cannot be read (No such file or directory)\n"
    assert typed(*pilot, "--data", "broken") == (4, "", sentence)
    assert not Path("results").exists()


def test_a_profile_that_lacks_its_folder_says_how_to_name_it(typed: Typed) -> None:
    code, out, err = typed("run", "table1", "--profile", "pilot", "--rows", ROW)
    told = "needs a folder of photographs with train/ and val/, one folder a class: name its folder with --data "
    assert (code, err) == (4, f"repro: nothing can be run: {told}photographs=DIR, or in repro.toml\n")
    assert "cannot" in out


# ------------------------------------------------------------------------------------------------ the results folder

IN_THE_WAY = "a folder was expected and a file is in the way; move it or name another folder with"


@pytest.mark.parametrize("verb", ["list", "plan table1", "run table1", "check table1", "export table1"])
def test_a_results_folder_that_is_a_file_is_told(verb: str, typed: Typed) -> None:
    Path("file").write_text("mine")
    for place in ("file", "file/below"):
        assert typed(*verb.split(), "--results", place) == (2, "", f"repro: {place}: {IN_THE_WAY} --results\n")
    assert Path("file").read_text() == "mine"


def test_an_output_that_cannot_be_written_is_told(typed: Typed) -> None:
    Path("file").write_text("mine")
    sentence = f"repro: file/below.md: {IN_THE_WAY} --output\n"
    assert typed("export", "table1", "-o", "file/below.md") == (2, "", sentence)
    assert Path("file").read_text() == "mine"


def test_a_read_only_results_folder_is_told(tmp_path: Path, typed: Typed) -> None:
    place = tmp_path / "readonly"
    place.mkdir()
    if os.geteuid() == 0:  # root writes to read-only folders, but not to read-only mounts
        reason = "the file system is read-only"
        with mounts.guarded(place):
            try:
                mounts.mount("-t", "tmpfs", "-o", "ro", "tmpfs", place)
            except mounts.Refused as refusal:
                pytest.skip(f"root writes to read-only folders, and none can be mounted read-only here: {refusal}")
            found = typed("run", "table1", "--results", "readonly")
    else:
        reason = "no permission to write here"
        place.chmod(0o500)
        found = typed("run", "table1", "--results", "readonly")
    assert found == (2, "", f"repro: readonly/.repro: {reason}; name another folder with --results\n")


def test_ctrl_c_before_anything_runs_is_one_sentence(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(load, "specs", interrupted)
    assert typed("plan", "table1") == (130, "", "\nrepro: stopped\n")


# ------------------------------------------------------------------------------------------------ where it is printed


def _on_terminal(*words: str, cwd: Path, **environment: str) -> str:
    """What a terminal is sent."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "repro", *words]
    with subprocess.Popen(
        command, cwd=cwd, env={**ENVIRONMENT, "TERM": "xterm-256color", **environment}, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        sent = b""
        try:
            while piece := os.read(ours, 65536):
                sent += piece
        except OSError:  # how Linux tells that the other end is closed
            pass
        finally:
            os.close(ours)
        assert process.wait(timeout=60) == 0
    return sent.decode()


def test_a_terminal_gets_colour_unless_it_is_not_wanted(tmp_path: Path) -> None:
    assert "\x1b[" in _on_terminal("list", cwd=tmp_path)
    plain = _on_terminal("list", cwd=tmp_path, NO_COLOR="1")
    assert not re.search(r"\x1b\[[\d;]*(3[0-8]|9[0-7])[\d;]*m", plain)


def test_a_pipe_gets_no_escape_codes(tmp_path: Path) -> None:
    for words in (["list"], ["check", "table1"]):
        assert "\x1b" not in _shell(*words, cwd=tmp_path).stdout


@pytest.mark.parametrize("words", [["check", "table1"], ["check", "table1", "--json"]])
def test_a_reader_that_leaves_early_does_not_change_the_exit_code(words: list[str], tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        command = [sys.executable, "-m", "repro", *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=ENVIRONMENT, stdout=theirs, stderr=subprocess.PIPE, timeout=60, check=False
        )
    finally:
        os.close(theirs)
    assert (done.returncode, done.stderr) == (3, b"")


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["list", "--json"],
        ["show", "mine"],
        ["show", "mine", "--json"],
        ["plan", "mine"],
        ["check", "mine"],
        ["check", "mine", "--json"],
        ["export", "mine"],
        ["export", "mine", "--format", "latex"],
        ["export", "mine", "--format", "csv"],
        ["export", "mine", "--format", "json"],
    ],
)
def test_a_users_table_cannot_steer_the_terminal(words: list[str], typed: Typed) -> None:
    _own_table(Path("tables"))
    code, out, err = typed(*words)
    assert code in (0, 3)
    assert err == ""
    assert {sign for sign in out if unicodedata.category(sign) == "Cc"} <= {"\n"}
    assert "31mred" in out or words[0] in ("plan", "export", "check")


def _own_table(folder: Path) -> None:
    """A copy of Table 2 with signs that steer terminals wherever a person may write."""
    folder.mkdir()
    text = (CHECKOUT / "tables" / "table2.toml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^id +=.*$", 'id = "mine"', text, count=1).replace("table2/", "mine/")
    for key in ("title", "caption", "section", "label", "statement", "quote", "not_runnable"):
        text = re.sub(rf'(?m)^({key} *= *(?:"""\\\n|"(?!"")))', r"\1\\u001b[31mred\\u009b31m\\u0007", text)
    (folder / "mine.toml").write_text(text, encoding="utf-8")


def test_what_is_typed_cannot_steer_the_terminal_either(typed: Typed) -> None:
    code, out, err = typed("show", "\x1b[31mtable1\x9b")
    assert (code, out) == (2, "")
    assert err == f'repro: no table or figure "[31mtable1"; there are {KNOWN_TABLES}; did you mean "table1"?\n'


# ------------------------------------------------------------------------------------------- where specs come from


def test_a_table_beside_the_user_wins(typed: Typed) -> None:
    Path("tables").mkdir()
    text = (CHECKOUT / "tables" / "table1.toml").read_text(encoding="utf-8")
    Path("tables/table1.toml").write_text(text.replace('"Table 1"', '"My table"'), encoding="utf-8")
    assert typed("show", "table1")[1].startswith("My table, section ")
    assert typed("show", "table2")[1].startswith("Table 2, section ")


def test_faults_of_a_users_table_are_told_before_anything_else(typed: Typed) -> None:
    Path("tables").mkdir()
    Path("tables/bad.toml").write_text("schema = 2\n")
    code, out, err = typed("list")
    assert (code, out) == (2, "")
    assert err.startswith("repro: tables/bad.toml:1: ")
    assert 'tables/bad.toml: file: "id" is missing\n' in err


@pytest.mark.skipif(find_spec("hatchling") is None, reason="building a wheel offline needs hatchling here")
def test_a_wheel_carries_its_specs_and_works_elsewhere(tmp_path: Path) -> None:
    source = tmp_path / "source"  # a build leaves files beside what it builds
    source.mkdir()
    for name in ("repro", "tables", "figures", "profiles"):
        shutil.copytree(CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "checkpoints.toml", "datasets.toml"):
        shutil.copy(CHECKOUT / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "-q", "-w", "dist"]
    subprocess.run(build, cwd=source, check=True, capture_output=True, timeout=120)
    [wheel] = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    away = tmp_path / "away"
    away.mkdir()
    installed = str(tmp_path / "installed")
    done = _shell("list", "--json", cwd=away, PYTHONPATH=installed)
    assert done.returncode == 0, done.stderr
    assert sorted(table["id"] for table in json.loads(done.stdout)["tables"]) == TABLES
    (away / "tables").mkdir()
    text = (CHECKOUT / "tables" / "table1.toml").read_text(encoding="utf-8")
    (away / "tables" / "table1.toml").write_text(text.replace('"Table 1"', '"My table"'), encoding="utf-8")
    done = _shell("list", "--json", cwd=away, PYTHONPATH=installed)
    titles = {table["id"]: table["title"] for table in json.loads(done.stdout)["tables"]}
    assert titles["table1"] == "My table"
    assert sorted(titles) == TABLES


def test_a_contact_sheet_of_the_profile_is_drawn(tiny: Path, typed: Typed) -> None:
    code, out, err = typed("data", "sheet", "--profile", tiny, "-o", "sheet.png")
    assert (code, out, err) == (0, "sheet.png: contact sheet of the profile tiny\n", "")
    assert Path("sheet.png").read_bytes().startswith(b"\x89PNG")
    assert typed("data", "sheet", "--profile", tiny, "-o", "tiny.toml/sheet.png") == (
        2,
        "",
        f"repro: tiny.toml/sheet.png: {IN_THE_WAY} --output\n",
    )
