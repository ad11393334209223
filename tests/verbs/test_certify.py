"""`repro certify` and `repro verify` as they are typed; neither needs torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.spec import load
from tests.conftest import CHECKOUT
from tests.judge.certificate import world
from tests.judge.certificate.world import BASE, PATCH, World, edit

Typed = Callable[..., tuple[int, str, str]]
Command = tuple[object, ...]


@pytest.fixture
def some(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two rows on two seeds in `results`, of a profile that is a file of its own beside it."""
    monkeypatch.chdir(tiny.parent)
    monkeypatch.setenv("COLUMNS", "120")
    return world.build(Path("results"), profile=load.profile(str(tiny)), seeds=(0, 1))


def certify(*more: object, tables: tuple[str, ...] = ("table1",)) -> Command:
    asked = ("--profile", "tiny.toml", "--rows", f"{BASE},{PATCH}", "--columns", "imagenet", "--seeds", "0,1")
    return ("certify", *tables, *asked, "-o", "c.json", *more)


def test_results_are_certified_and_verified(some: World, typed: Typed) -> None:
    code, out, err = typed(*certify())
    assert (code, err) == (0, "")
    held = json.loads(Path("c.json").read_text(encoding="utf-8"))
    first, second, *_, last = out.splitlines()
    assert first.startswith("c.json: ")
    assert first.endswith(f", digest {held['digest'][:12]}")
    stamp = held["boards"][0]["rules"]["stamp"]
    assert second == (
        f"  table1, profile tiny: 2 of 18 rows, 1 of 5 columns, seeds 0, 1; cells: 2 measured; rules {stamp}"
    )
    assert last == "next: repro verify c.json --profile tiny.toml"
    code, out, err = typed("verify", "c.json", "--profile", "tiny.toml")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f"c.json, digest {held['digest'][:12]}, beside results"
    told = " ".join(out.split())
    assert (
        "14 records, 18 files, 20 numbers of 4 evaluations computed again, 4 with the labels of their data set" in told
    )
    assert "4 recipes (4 by the code that is here), 2 cells, 30 claims judged again" in told
    assert out.splitlines()[-1] == "everything agrees (exit 0)"


def test_the_same_command_writes_the_same_bytes(some: World, typed: Typed) -> None:
    typed(*certify())
    before = Path("c.json").read_bytes()
    typed(*certify())
    assert Path("c.json").read_bytes() == before


def test_what_was_changed_is_named_on_one_line(some: World, typed: Typed) -> None:
    typed(*certify())
    before = json.loads(Path("c.json").read_text(encoding="utf-8"))["jobs"][some.job(BASE)]
    world.keep(some.path(BASE).parent, world.plain(777))
    path, sha256 = some.path(BASE), before["files"]["predictions.npz"]
    code, out, _ = typed("verify", "c.json", "--profile", "tiny.toml")
    assert code == 1
    lines = [line for line in out.splitlines() if line.startswith("✗")]
    job = some.job(BASE)
    assert lines[0].startswith(f"✗ files: {job[:2]}/{job}/predictions.npz (evaluate imagenet of {BASE}, seed 0), ")
    assert f"expected {sha256['bytes']}, found {path.stat().st_size}" in lines[0] or sha256["sha256"][:12] in lines[0]
    assert lines[1] == f"✗ metrics: evaluate imagenet of {BASE}, seed 0 [{job[:12]}], top1: expected 77.6, found 77.7"
    assert out.splitlines()[-1] == f"{len(lines)} things do not agree (exit 1)"


def test_verify_json_has_the_documented_layout(some: World, typed: Typed) -> None:
    typed(*certify())
    edit(some.store, some.job(PATCH), label="other")
    some.path(BASE, "record.json").unlink()
    code, out, err = typed("verify", "c.json", "--json")
    told = json.loads(out)
    assert (code, err) == (1, "")
    keys = {
        "schema",
        "file",
        "results",
        "exit",
        "disagreements",
        "missing",
        "remarks",
        "not_compared",
        "checked",
        "seconds",
    }
    assert told.keys() == keys
    assert (told["schema"], told["file"], told["results"], told["exit"]) == (1, "c.json", "results", 1)
    where = f"evaluate imagenet of {PATCH}, seed 0 [{some.job(PATCH)[:12]}], label"
    expected = f"evaluate imagenet of {PATCH}, seed 0"
    assert told["disagreements"] == [{"stage": "records", "where": where, "expected": expected, "found": "other"}]
    missing = f"evaluate imagenet of {BASE}, seed 0 [{some.job(BASE)[:12]}]"
    assert told["missing"] == [{"where": missing, "why": "no record"}]
    (left,) = told["not_compared"]
    assert left["what"].startswith('the profile and the rows\' recipes: no profile "tiny"; there are mini, ')
    assert left["times"] == 1
    names = {"records", "files", "evaluations", "numbers", "labels", "recipes", "same_code", "cells", "claims"}
    assert told["checked"].keys() == names


def test_results_that_are_elsewhere_are_missing(some: World, typed: Typed) -> None:
    typed(*certify())
    code, out, _ = typed("verify", "c.json", "--results", "nowhere", "--profile", "tiny.toml")
    lines = out.splitlines()
    assert code == 4
    assert f"· missing: evaluate imagenet of {BASE}, seed 0 [{some.job(BASE)[:12]}]: no record" in lines
    assert lines[-1] == "18 of its results are not here (exit 4)"


def test_what_is_not_a_certificate_is_a_sentence(some: World, typed: Typed) -> None:
    Path("bad.json").write_text('{"schema": 1}')
    head = '"schema": 1 and "kind": "certificate of repro"'
    for words, fault in (
        (("bad.json",), f"bad.json: expected a certificate, {head}, found another document"),
        (("absent.json",), "absent.json: expected a certificate, found nothing"),
        ((".",), ".: expected a certificate, found a folder"),
    ):  # fmt: skip
        assert typed("verify", *words) == (2, "", f"repro: {fault}\n")


def test_a_profile_that_is_named_has_to_be_there(some: World, typed: Typed) -> None:
    typed(*certify())
    code, _, err = typed("verify", "c.json", "--profile", "absent.toml")
    assert code == 2
    assert err.startswith('repro: no profile "absent.toml"; there are ')


def test_a_folder_that_the_profile_does_not_ask_for_is_told(some: World, typed: Typed) -> None:
    typed(*certify())
    code, _, err = typed("verify", "c.json", "--profile", "tiny.toml", "--data", "photographs=.")
    told = '--data: the profile "tiny" asks for no folder, found "photographs=."'
    assert (code, err) == (2, f"repro: {told}\n")


def test_a_results_folder_that_is_a_file_is_a_sentence(some: World, typed: Typed) -> None:
    typed(*certify())
    code, _, err = typed("verify", "c.json", "--results", "c.json")
    told = "a folder was expected and a file is in the way; move it or name another folder with --results"
    assert (code, err) == (2, f"repro: c.json: {told}\n")


def test_results_in_part_are_certified_on_request(some: World, typed: Typed) -> None:
    some.path(BASE, "record.json").unlink()
    code, out, err = typed(*certify())
    assert (code, out) == (3, "")
    assert err.startswith(f"repro: a certificate is of whole results, and these are missing: table1, {BASE}:imagenet, ")
    assert not Path("c.json").exists()
    code, out, _ = typed(*certify("--partial"))
    assert code == 0
    assert "in part: 1 result was missing when it was made" in out
    code, out, _ = typed("verify", "c.json", "--profile", "tiny.toml")
    assert code == 0
    assert "in part: 1 result was missing when it was made" in out


def test_results_that_do_not_bear_themselves_out_are_not_certified(some: World, typed: Typed) -> None:
    edit(some.store, some.job(BASE), values={"top1": 99.0})
    code, out, _ = typed(*certify())
    first, *rest = out.splitlines()
    assert code == 1
    where = f"evaluate imagenet of {BASE}, seed 0 [{some.job(BASE)[:12]}], top1"
    assert rest[0] == f"✗ metrics: {where}: expected 99, found 77.6"
    assert first == f"nothing was written: {len(rest)} things in these results do not agree"
    assert not Path("c.json").exists()


def test_several_tables_are_one_certificate(some: World, typed: Typed) -> None:
    plan = world.planned("table3", profile=some.plan.profile, seeds=(0, 1))
    world.fill(some.store, plan, right=500)
    words = (
        "certify",
        "table3",
        "table1",
        "table3",
        "--profile",
        "tiny.toml",
        "--columns",
        "imagenet",
        "--seeds",
        "0,1",
    )
    code, _, err = typed(*words, "-o", "c.json", "--partial")
    assert (code, err) == (0, "")
    held = json.loads(Path("c.json").read_text(encoding="utf-8"))
    assert [board["table"] for board in held["boards"]] == ["table3", "table1"]
    assert typed("verify", "c.json", "--profile", "tiny.toml")[0] == 0


def _without_torch(*words: str) -> subprocess.CompletedProcess[str]:
    """Type a verb in a process where torch, torchvision and the lab cannot be imported."""
    script = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('torch', 'torchvision', 'numba') or name.startswith('repro.lab'):\n"
        "            raise ImportError(f'{name} is refused')\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from repro.cli import main\n"
        f"sys.argv = ['repro', *{list(words)!r}]\n"
        "sys.exit(main())\n"
    )
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-W", "error", "-c", script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_neither_needs_torch(some: World, typed: Typed) -> None:
    done = _without_torch(*map(str, certify()))
    assert (done.returncode, done.stderr) == (0, "")
    done = _without_torch("verify", "c.json", "--profile", "tiny.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "everything agrees (exit 0)"
    world.keep(some.path(BASE).parent, world.plain(777))
    done = _without_torch("verify", "c.json", "--profile", "tiny.toml")
    assert (done.returncode, done.stderr) == (1, "")
    assert "top1: expected 77.6, found 77.7" in done.stdout


@pytest.mark.parametrize("verb", ["certify", "verify"])
def test_each_verb_explains_itself(verb: str, typed: Typed) -> None:
    code, out, err = typed(verb, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: repro {verb} [OPTIONS] {'TABLE...' if verb == 'certify' else 'FILE'}\n")
