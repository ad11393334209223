"""A certificate that somebody edited: verdicts, numbers, seeds, rows; what does not follow is named."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path

from repro.plan.expand import Options, expand
from repro.plan.outline import Weights
from repro.spec import load
from repro.spec.profile import Expected
from repro.store import Store
from tests import trees
from tests.judge.certificate import world
from tests.judge.certificate.world import (
    BASE,
    PATCH,
    SPECS,
    Held,
    World,
    cell,
    label,
    sealed,
    told,
)

Copied = Callable[[], World]


def test_a_verdict_edited_in_the_certificate_is_found(whole: World, certified: Held) -> None:
    held = copy.deepcopy(certified)
    cell(held)["verdict"] = "exceeds"
    held["boards"][0]["counts"] = {"reproduced": 1, "exceeds": 3}
    assert told(whole.verify(sealed(held))) == [
        ("cells", f"table1, {BASE}:imagenet, verdict", "exceeds", "reproduced"),
        ("cells", "table1, counts.reproduced", 1, 2),
        ("cells", "table1, counts.exceeds", 3, 2),
    ]


def test_a_certificate_edited_without_care_is_found_by_its_digest(whole: World, certified: Held) -> None:
    held = copy.deepcopy(certified)
    cell(held)["reason"] = "it is good"
    first, other = told(whole.verify(held))
    assert first == ("certificate", "digest", certified["digest"], sealed(held)["digest"])
    assert other[:3] == ("cells", f"table1, {BASE}:imagenet, reason", "it is good")


def test_a_claim_edited_in_the_certificate_is_found(whole: World, certified: Held) -> None:
    held = copy.deepcopy(certified)
    undecided = [claim for claim in held["boards"][0]["claims"] if claim["ours"]["verdict"] == "undecided"]
    claim = next(claim for claim in undecided if claim["ours"]["holds"] is not True)
    claim["ours"] |= {"verdict": "supported", "holds": True}
    before = next(each for each in certified["boards"][0]["claims"] if each["id"] == claim["id"])["ours"]
    assert told(whole.verify(sealed(held))) == [
        ("claims", f"table1, {claim['id']}, ours, verdict", "supported", "undecided"),
        ("claims", f"table1, {claim['id']}, ours, holds", True, before["holds"]),
    ]


def test_a_number_edited_in_a_cell_is_found(whole: World, certified: Held) -> None:
    held = copy.deepcopy(certified)
    cell(held)["seeds"][1]["value"] = 78.9
    cell(held)["table_p"] = 0.5
    found = told(whole.verify(sealed(held)))
    assert found[0] == ("cells", f"table1, {BASE}:imagenet, seed 1", 77.9, 78.9)
    assert found[1][:3] == ("cells", f"table1, {BASE}:imagenet, table_p", 0.5)
    assert len(found) == 2


def test_a_seed_that_was_left_out_is_found(whole: World, certified: Held) -> None:
    held = copy.deepcopy(certified)
    del cell(held)["seeds"][2]
    found = told(whole.verify(sealed(held)))
    assert found[0] == ("cells", f"table1, {BASE}:imagenet, seeds", [0, 1, 2], [0, 1])


def test_a_cell_that_could_be_run_is_no_gap(whole: World, certified: Held) -> None:
    held = copy.deepcopy(certified)
    cell(held).update(seeds=[], blocked="no images", verdict="not runnable", reason="no images")
    found = told(whole.verify(sealed(held)))
    assert ("recipes", f"table1, {BASE}:imagenet", "a cell that cannot be run", "one that can") in found


def test_two_rows_that_were_exchanged_in_the_certificate_are_found(whole: World, certified: Held) -> None:
    """Jobs and numbers exchanged, every verdict judged anew: each number is real, and of the other row."""
    held = copy.deepcopy(certified)
    one, other = cell(held), cell(held, PATCH)
    one["seeds"], other["seeds"] = other["seeds"], one["seeds"]
    found = [each for each in told(whole.verify(sealed(held))) if each[0] == "recipes"]
    expected = "evaluations of this row and column, seed by seed"
    assert found == [
        ("recipes", f"table1, {BASE}:imagenet", expected, f"{label(whole, PATCH)}, and 2 more"),
        ("recipes", f"table1, {PATCH}:imagenet", expected, f"{label(whole, BASE)}, and 2 more"),
    ]


def test_networks_that_were_trained_do_not_pass_for_those_of_others(whole: World, certified: Held) -> None:
    """Nobody asks for the recipe of a network from a file, so that is where one would hide another recipe."""
    held = copy.deepcopy(certified)
    held["asked"]["source"] = "download"
    found = [each for each in told(whole.verify(sealed(held))) if each[0] == "recipes"]
    trained = f"pretrain {BASE}, seed 0, which was trained"
    assert found[0] == ("recipes", f"table1, {BASE}:imagenet, seed 0", "a network from a file", trained)
    assert len(found) == 12


def test_a_network_of_ones_own_is_that_of_its_file(tmp_path: Path) -> None:
    own = ("mine", Weights(tmp_path / "mine.pth", "a" * 64))
    options = Options(seeds=[0], columns=["imagenet"], rows=["mine"], own=own)
    plan, store = expand(SPECS.tables, SPECS.table("table1"), world.MINI, options), Store(tmp_path / "results")
    world.fill(store, plan, right=800)
    some = World(store, plan, SPECS.tables)
    held = some.certificate()
    found = some.verify(held)
    assert told(found) == []
    assert found.unchecked == {"recipes of the rows of table1: networks from files of others": 1}
    held["asked"]["own"]["sha256"] = "b" * 64
    where = "table1, mine:imagenet, seed 0, its file"
    assert told(some.verify(sealed(held))) == [("recipes", where, "b" * 64, "a" * 64)]


def test_a_row_does_not_pass_for_a_network_of_ones_own(whole: World, certified: Held) -> None:
    held = copy.deepcopy(certified)
    held["asked"]["own"] = {"row": BASE, "sha256": "0" * 64, "classifier": None}
    found = told(whole.verify(sealed(held)))
    assert ("spec", f"table1, rows.{BASE}", "nothing") in [each[:3] for each in found]
    assert sum(each[2] == "a network from a file" for each in found) == 6


def test_photographs_that_are_not_here_leave_recipes_uncompared(tmp_path: Path) -> None:
    photographs = tmp_path / "photographs"
    for split in ("train", "val"):
        trees.classes(photographs / split, world.CLASSES)
    pilot = load.profile("pilot")
    options = Options(seeds=[0], rows=[BASE], columns=["imagenet"], data={"photographs": photographs})
    plan, store = expand(SPECS.tables, SPECS.table("table1"), pilot, options), Store(tmp_path / "results")
    world.fill(store, plan, right=700)
    some = World(store, plan, SPECS.tables)
    found = some.verify(some.certificate())
    assert (told(found), found.exit_code, found.counts["recipes"]) == ([], 0, 0)
    assert [why.partition(": ")[0] for why in sorted(found.unchecked)] == [
        "recipes of the rows of table1",
        "recipes of the rows of table3",  # of which a claim of table 1 asks
    ]
    assert all(": needs a folder of photographs" in why for why in found.unchecked)
    found = some.verify(some.certificate(), data={"photographs": photographs})
    assert (told(found), dict(found.unchecked), found.counts["recipes"]) == ([], {}, 1)
    other = shutil.copytree(photographs, tmp_path / "other")
    trees.classes(other / "val", ("fish",))
    found = some.verify(some.certificate(), data={"photographs": other})
    expected = "evaluations of this row and column, seed by seed"
    assert told(found) == [("recipes", f"table1, {BASE}:imagenet", expected, label(some, BASE))]


def test_numbers_that_are_expected_of_the_profile_are_in_it(tmp_path: Path) -> None:
    """Five seeds whose mean is a point above what is expected of the baseline, 0.1 below for the other row."""
    cells = {BASE: {"imagenet": "70.00 ± 0.20"}, PATCH: {"imagenet": "72.00 ± 0.20"}}
    expected = Expected(command="repro run", machine="any", seeds=[0, 1, 2, 3, 4], cells=cells)
    profile = world.MINI.model_copy(update={"expected": {"table1": expected}})
    right = {BASE: (708, 709, 710, 711, 712), PATCH: (717, 718, 719, 720, 721)}
    some = world.build(tmp_path, profile=profile, seeds=range(5), right=right)
    held = some.certificate()
    guards = [cell(held, row)["guard"] for row in (BASE, PATCH)]
    assert [(guard["expected"], guard["differs"]) for guard in guards] == [([70.0, 0.2], True), ([72.0, 0.2], False)]
    assert held["boards"][0]["outcome"]["reason"] == "1 cell is not as expected of mini"
    assert told(some.verify(held)) == []
    other = profile.model_copy(update={"expected": {}})
    ((stage, where, *_),) = [each for each in told(some.verify(held, profile=other)) if each[0] == "spec"]
    assert (stage, where) == ("spec", "profile mini, expected")
    cell(held)["guard"]["differs"] = False
    assert told(some.verify(sealed(held)))[0][:2] == ("cells", f"table1, {BASE}:imagenet, guard.differs")
