"""A job is named by its content: nothing that could change a result is left out, nothing else is in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from repro.errors import DataMissing, SpecError, UsageError
from repro.plan import code, folders
from repro.plan.expand import Options, expand
from repro.plan.jobs import Job
from repro.plan.scale import scale
from repro.spec import load
from repro.spec.profile import Profile

SPECS = load.specs()
MINI = load.profile("mini")
JOB = Job("pretrain", {"lr": 0.1, "sizes": [2, 10]}, 0, {"data": "d"}, "v", 1, "cpu", "pretrain x")


def test_the_order_of_keys_and_the_label_do_not_change_an_id() -> None:
    assert replace(JOB, spec={"sizes": [2, 10], "lr": 0.1}, label="other", images=9).id == JOB.id


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"lr": 0.2, "sizes": [2, 10]}},
        {"seed": 1},
        {"inputs": {"data": "e"}},
        {"code": "w"},
        {"threads": 2},
        {"device": "cuda"},
        {"kind": "probe"},
    ],
)
def test_whatever_could_change_a_result_changes_the_id(change: dict[str, object]) -> None:
    assert replace(JOB, **change).id != JOB.id  # type: ignore[arg-type]


def test_a_full_run_and_a_limited_one_are_different_jobs() -> None:
    full = expand(SPECS.tables, SPECS.table("table1"), MINI, Options(seeds=[0]))
    part = expand(SPECS.tables, SPECS.table("table1"), MINI, Options(seeds=[0], limit=10))
    key = ("moco-k16384", "imagenet")
    assert full.cells[key][0] != part.cells[key][0]
    assert full.jobs[full.cells[key][0]].inputs == part.jobs[part.cells[key][0]].inputs


def test_inputs_come_before_what_rests_on_them_and_each_job_once() -> None:
    plan = expand(SPECS.tables, SPECS.table("table1"), MINI, Options(seeds=[0, 1, 2]))
    seen: set[str] = set()
    for name, job in plan.jobs.items():
        assert set(job.inputs.values()) <= seen
        seen.add(name)
    runnable = {row for row, _ in plan.cells}
    assert {
        "moco-k16384",
        "moco-k16384-patch-a2",
        "moco-k16384-patch-a3",
        "moco-k8192",
        "moco-k8192-patch-a2",
        "moco-star",
        "moco-star-patch-a2",
    } <= runnable
    assert sum(job.kind == "pretrain" for job in plan.jobs.values()) == 3 * len(runnable)


def test_the_same_network_in_a_table_and_a_figure_is_one_job() -> None:
    table = expand(SPECS.tables, SPECS.table("table1"), MINI, Options(seeds=[0], rows=["moco-k16384"]))
    figure = expand(SPECS.tables, SPECS.table("figure6"), MINI, Options(seeds=[0]))
    trained = {name for name, job in table.jobs.items() if job.kind == "pretrain"}
    assert trained <= figure.jobs.keys()


def test_every_row_of_the_tables_can_be_run() -> None:
    for name in ("table1", "table2", "table3", "table4", "fnc"):
        table = SPECS.table(name)
        columns = [column.id for column in table.columns if column.not_runnable is None]
        plan = expand(SPECS.tables, table, MINI, Options(seeds=[0], columns=columns))
        assert plan.blocked == {}, name
        assert {row for row, _ in plan.cells} == {row.id for row in table.rows}


def test_photographs_can_be_learned_from_by_every_row(tmp_path: Path) -> None:
    for split in ("train", "val"):
        (tmp_path / split / "newt").mkdir(parents=True)
        (tmp_path / split / "newt" / "one.png").write_bytes(b"x")
    options = Options(seeds=[0], columns=["imagenet", "imagenet-c"], data={"photographs": tmp_path})
    for name in ("table1", "table2"):
        plan = expand(SPECS.tables, SPECS.table(name), load.profile("pilot"), options)
        assert plan.blocked == {}
        assert {row for row, _ in plan.cells} == {row.id for row in SPECS.table(name).rows}
    fnc = Options(seeds=[0], columns=["imagenet"], data={"photographs": tmp_path})
    assert expand(SPECS.tables, SPECS.table("fnc"), load.profile("pilot"), fnc).blocked == {}


def test_a_row_without_its_data_says_so_in_each_of_its_cells() -> None:
    plan = expand(SPECS.tables, SPECS.table("table1"), load.profile("paper"), Options(seeds=[0]))
    reason = (
        "needs ImageNet-1K, or its 100 classes alone, with train/ and val/: name its folder with --data imagenet=DIR, "
        "or in repro.toml"
    )
    assert plan.blocked["byol", "imagenet"] == reason


def test_an_unknown_row_is_told_with_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r'^table1 has no row "moco-k16834"; there are .*; did you mean "moco-k16384"\?$'
    ):
        expand(SPECS.tables, SPECS.table("table1"), MINI, Options(seeds=[0], rows=["moco-k16834"]))


def _profile(**scale_rules: object) -> Profile:
    base = {
        "schema": 1,
        "id": "p",
        "title": "p",
        "judges": "claims",
        "seeds": [0],
        "workers": 1,
        "threads": 1,
        "device": "cpu",
    }
    return Profile.model_validate(
        {**base, "scale": {key.replace("__", "."): rule for key, rule in scale_rules.items()}}
    )


def test_rules_set_multiply_map_and_replace() -> None:
    recipe = {
        "method": {"name": "moco", "queue": 16384, "momentum": 0.999},
        "net": {"name": "resnet50", "hidden": 2048},
    }
    profile = _profile(
        method__queue={"multiply": 0.0625, "why": "w"},
        method__momentum={"map": {"0.999": 0.99}, "why": "w"},
        method__absent={"set": 1, "why": "w"},
        net={"set": {"name": "small"}, "why": "w"},
    )
    assert scale(recipe, profile) == {
        "method": {"name": "moco", "queue": 1024, "momentum": 0.99},
        "net": {"name": "small"},
    }
    assert recipe["net"]["name"] == "resnet50"


def test_a_map_without_the_papers_value_is_told() -> None:
    profile = _profile(training__batch={"map": {"128": 64}, "why": "w"})
    with pytest.raises(
        SpecError, match=r'^profile "p", scale "training.batch": no entry for the paper\'s value 512; there are 128$'
    ):
        scale({"training": {"batch": 512}}, profile)


def test_a_comment_leaves_the_version_of_code_and_a_change_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repro").mkdir()
    (tmp_path / "repro" / "a.py").write_text('"""A."""\nfrom repro.b import f\n')
    (tmp_path / "repro" / "b.py").write_text("def f():\n    return 1\n")
    monkeypatch.setattr(code, "ROOT", tmp_path)

    def version() -> str:
        code.forget()
        return code.version(("repro.a",))

    try:
        first = version()
        (tmp_path / "repro" / "b.py").write_text(
            'def f():\n    """Now with a docstring."""\n    return 1  # and a comment\n'
        )
        assert version() == first
        (tmp_path / "repro" / "b.py").write_text("def f():\n    return 2\n")
        assert version() != first
    finally:
        code.forget()


def test_what_was_learned_of_sources_is_taken_over_and_a_damaged_file_says_nothing(tmp_path: Path) -> None:
    before = code.version(("repro.metrics",))
    code.remember(tmp_path / "code.json")
    code.forget()
    code.recall(tmp_path / "code.json")
    assert code.version(("repro.metrics",)) == before
    whole = (tmp_path / "code.json").read_text()
    forged = whole.replace(code._known[hashlib.sha256(code._source("repro.metrics")).hexdigest()], "0" * 64)
    assert forged != whole
    try:
        for damaged in ("{", "[]", forged, whole.replace('"known"', '"unknown"')):
            (tmp_path / "code.json").write_text(damaged)
            code._known.clear()
            code.recall(tmp_path / "code.json")
            code.forget()
            assert code.version(("repro.metrics",)) == before
    finally:
        code.recall(tmp_path / "code.json")
        code.forget()


def test_all_that_jobs_are_computed_by_is_learned_at_once_but_for_what_is_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = tmp_path / "repro" / "lab"
    lab.mkdir(parents=True)
    (lab / "__init__.py").write_text("")
    (lab / "whole.py").write_text("def f():\n    return 1\n")
    (lab / "half.py").write_text("def f(:\n")
    monkeypatch.setattr(code, "ROOT", tmp_path)
    monkeypatch.setattr(code, "_known", {})
    code.forget()
    try:
        code.remember(tmp_path / "code.json")
        learned = set(json.loads((tmp_path / "code.json").read_text())["known"])
        assert learned == {
            hashlib.sha256((lab / name).read_bytes()).hexdigest() for name in ("__init__.py", "whole.py")
        }
    finally:
        code.forget()


def test_a_folder_that_changes_has_another_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "train" / "a").mkdir(parents=True)
    (tmp_path / "train" / "a" / "1.jpg").write_bytes(b"one")
    first = folders.fingerprint(tmp_path)
    folders.fingerprint.cache_clear()
    assert folders.fingerprint(tmp_path) == first
    (tmp_path / "train" / "a" / "2.jpg").write_bytes(b"two")
    folders.fingerprint.cache_clear()
    assert folders.fingerprint(tmp_path) != first


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        DataMissing,
        match=r"nowhere: expected a folder of images \(train/ and val/ with one folder a class\), found nothing$",
    ):
        folders.fingerprint(tmp_path / "nowhere")
