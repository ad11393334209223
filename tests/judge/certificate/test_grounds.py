"""A certificate beside tables, profiles, policies and rules that somebody changed since."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from repro.judge.policy import STANDARD
from tests.judge.certificate import world
from tests.judge.certificate.world import (
    BASE,
    Held,
    World,
    sealed,
    told,
)

Copied = Callable[[], World]


def altered(some: World, **changes: Any) -> World:
    """The same results beside a table that somebody changed."""
    table = some.tables["table1"].model_copy(update=changes)
    return World(some.store, some.plan, {**some.tables, "table1": table})


def test_a_margin_changed_after_is_found(whole: World, certified: Held) -> None:
    table = whole.tables["table1"]
    first = table.columns[0]
    assert first.margin is not None
    wider = first.model_copy(update={"margin": first.margin.model_copy(update={"value": 2.0})})
    found = altered(whole, columns=[wider, *table.columns[1:]]).verify(certified)
    assert told(found) == [("spec", "table1, columns.imagenet.margin", 0.735, 2.0)]
    assert found.unchecked == {"recipes of the rows of table1: the table is another today": 1}


def test_a_reported_number_changed_after_is_found(whole: World, certified: Held) -> None:
    rows = list(whole.tables["table1"].rows)
    reported = {**rows[0].reported, "imagenet": "77.98 ± 0.28"}
    found = altered(whole, rows=[rows[0].model_copy(update={"reported": reported}), *rows[1:]]).verify(certified)
    assert told(found) == [("spec", f"table1, rows.{BASE}.reported.imagenet", "77.88 ± 0.28", "77.98 ± 0.28")]


def test_a_recipe_changed_after_is_found(whole: World, certified: Held) -> None:
    rows = list(whole.tables["table1"].rows)
    slower = rows[0].recipe["method"]["queue"].model_copy(update={"value": 8192})
    recipe = {**rows[0].recipe, "method": {**rows[0].recipe["method"], "queue": slower}}
    found = altered(whole, rows=[rows[0].model_copy(update={"recipe": recipe}), *rows[1:]]).verify(certified)
    ((stage, where, *_),) = [each for each in told(found) if BASE in each[1]]
    assert (stage, where) == ("spec", f"table1, rows.{BASE}.recipe")


def test_prose_may_change(whole: World, certified: Held) -> None:
    rows = [row.model_copy(update={"label": "other", "notes": ["new"]}) for row in whole.tables["table1"].rows]
    assert told(altered(whole, rows=rows, title="Other", caption="Other words", notes=[]).verify(certified)) == []


def test_a_table_that_is_gone_is_found(whole: World, certified: Held) -> None:
    tables = {name: table for name, table in whole.tables.items() if name != "table1"}
    found = told(World(whole.store, whole.plan, tables).verify(certified))
    assert ("spec", "table1", "a table of that name", "none") in found


def test_a_profile_changed_after_is_found(whole: World, certified: Held) -> None:
    profile = world.CELLS.model_copy(update={"seeds": [0], "rates": {}})
    found = whole.verify(certified, profile=profile)
    assert told(found) == [("spec", "profile mini, seeds", [0, 1, 2], [0])]
    assert found.counts["recipes"] == 0


def test_without_the_profile_that_is_said(whole: World, certified: Held) -> None:
    found = whole.verify(certified, profile=None, absent='no profile "tiny"')
    assert (told(found), found.exit_code) == ([], 0)
    assert found.unchecked == {'the profile and the rows\' recipes: no profile "tiny"': 1}


def test_a_policy_changed_after_is_found(whole: World, certified: Held) -> None:
    found = whole.verify(certified, policy=replace(STANDARD, level=0.1))
    assert told(found) == [("rules", "policy, level", 0.05, 0.1)]


def test_a_policy_changed_in_the_certificate_is_found(whole: World, certified: Held) -> None:
    held = copy.deepcopy(certified)
    held["policy"]["level"] = 0.2
    found = told(whole.verify(sealed(held)))
    assert found[0] == ("rules", "policy, level", 0.2, 0.05)
    assert found[1][:3] == ("rules", "table1, stamp", certified["boards"][0]["rules"]["stamp"])
    changes = "policy.level was 0.05 and is 0.2 (now)"
    assert found[2] == ("rules", "table1, changes after there were results", "none", changes)
    reasons = [each for each in found if each[1].startswith(f"table1, {BASE}:imagenet, reason (and ")]
    (one,) = reasons
    assert "the 95 % prediction interval" in one[2]
    assert "the 80 % prediction interval" in one[3]


def test_rules_that_are_gone_are_missing_where_they_told_of_changes(copied: Copied) -> None:
    some = copied()
    held = some.certificate(policy=replace(STANDARD, level=0.1))
    shutil.rmtree(some.store.root / "rules")
    found = some.verify(held, policy=replace(STANDARD, level=0.1))
    assert [(lack.where, lack.why) for lack in found.missing] == [
        ("table1, the rules that its results were begun under", "none are kept beside the results")
    ]
    assert (told(found), found.exit_code) == ([], 4)


def test_rules_beside_the_results_that_cannot_be_read_are_found(copied: Copied, certified: Held) -> None:
    some = copied()
    (path,) = (some.store.root / "rules").glob("*.json")
    path.write_text("[{]", encoding="utf-8")
    ((stage, where, expected, found),) = told(some.verify(certified))
    assert (stage, where, expected) == ("rules", "table1, kept beside the results", "rules that can be read")
    assert found.startswith(f"{path}: expected the rules that results were begun under")


def test_a_specs_seal_is_its_own(whole: World, certified: Held) -> None:
    held = copy.deepcopy(certified)
    held["tables"]["table1"]["sha256"] = held["profile"]["sha256"] = "0" * 64
    assert [each[:3] for each in told(whole.verify(sealed(held)))] == [
        ("certificate", "table1, sha256", "0" * 64),
        ("certificate", "profile mini, sha256", "0" * 64),
    ]
