"""Every way to write a spec wrong is told in one pass, with file, line, expected, found and the nearest name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from repro.errors import SpecError, UsageError
from repro.spec import load
from tests.conftest import CHECKOUT


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the user's own copy of Table 1, which wins over the shipped one."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "profiles").mkdir()
    shutil.copy(CHECKOUT / "tables" / "table1.toml", tmp_path / "tables")
    shutil.copy(CHECKOUT / "profiles" / "mini.toml", tmp_path / "profiles")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _replace(path: Path, old: str, new: str) -> int:
    """Put `new` for the first `old`; returns the line it stands on."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def _faults() -> list[str]:
    with pytest.raises(SpecError) as caught:
        load.specs()
    return caught.value.faults


def test_the_shipped_specs_have_no_fault() -> None:
    specs = load.specs()
    assert {"table1", "table2", "table3", "table4", "figure6"} <= set(specs.tables)
    assert specs.checkpoints.checkpoints


def test_the_file_beside_the_user_wins(desk: Path) -> None:
    _replace(desk / "tables" / "table1.toml", 'title   = "Table 1"', 'title   = "Mine"')
    assert load.specs().table("table1").title == "Mine"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'section = "3.1"',
            'sektion = "3.1"',
            'file: unknown key "sektion"; expected one of axes, caption, claims, columns, id, not_drawable, notes, ',
        ),
        ('section = "3.1"', "section = 3.1", "section: expected a valid string, found 3.1"),
        (
            '"77.88 ± 0.28"',
            '"77.88 +- 0.28"',
            'row "moco-k16384", column "imagenet": expected a printed number such as ',
        ),
        (
            'imagenet-r        = "32.92',
            'imagenet-x        = "32.92',
            'row "moco-k16384": reported cell in no column: "imagenet-x"; ',
        ),
        (
            "queue = { value = 16384,",
            "quene = { value = 16384,",
            'row "moco-k16384": recipe.method: unknown key "quene"; ',
        ),
        ('{ value = "moco",', '{ value = "mocco",', '[recipe] of table1: method "mocco" is not in repro/lab/methods ('),
        (
            "temperature    = { value = 0.2, ",
            'temperature    = { value = "warm", ',
            "[recipe] of table1: recipe.method.temperature: expected float, found 'warm'",
        ),
        (
            'sourced = "official README: --mlp"',
            'sourced = "oficial README"',
            'recipe.net.head: source "oficial" is not in [sources] (',
        ),
        (
            'sourced = "official README: --mlp"',
            'choice = "a", default = "moco b"',
            "recipe.net.head: expected exactly one of sourced, default, choice, found 2",
        ),
        (
            'claims   = ["C19"]',
            'claims   = ["C191"]',
            'note "A5": no claim "C191"; did you mean "C19"?',
        ),
    ],
)
def test_a_fault_is_one_sentence_with_its_line(desk: Path, old: str, new: str, sentence: str) -> None:
    line = _replace(desk / "tables" / "table1.toml", old, new)
    told = [fault for fault in _faults() if sentence in fault]
    assert told, _faults()
    assert told[0].startswith(f"tables/table1.toml:{line}: ")


def test_a_row_without_a_value_is_told_with_the_field(desk: Path) -> None:
    _replace(desk / "tables" / "table1.toml", 'queue = { value = 16384, sourced = "paper 3.1" }', "")
    assert any("recipe.method.queue (int) is missing; nothing has a default" in fault for fault in _faults())


def test_a_duplicate_id_and_a_same_as_that_leads_nowhere_are_told_together(desk: Path) -> None:
    path = desk / "tables" / "table1.toml"
    _replace(path, 'id          = "moco-k8192"', 'id          = "moco-k16384"')
    with path.open("a", encoding="utf-8") as stream:
        stream.write('\n[[rows]]\nid = "lost"\nlabel = "lost"\nruns = 1\nsame_as = "table1/moco-k8193"\n')
    faults = "\n".join(_faults())
    assert 'rows: the id "moco-k16384" is given 2 times; ids are given once' in faults
    assert (
        'row "lost": same_as "table1/moco-k8193" leads nowhere: table1 has no row "moco-k8193"; did you mean "moco-k'
        in faults
    )


def test_faults_of_several_files_come_in_one_pass(desk: Path) -> None:
    shutil.copy(CHECKOUT / "tables" / "table3.toml", desk / "tables")
    _replace(desk / "tables" / "table1.toml", "title   = ", "titel   = ")
    _replace(desk / "tables" / "table3.toml", "schema", "schemes")
    told = _faults()
    assert any(fault.startswith("tables/table1.toml") for fault in told)
    assert any(fault.startswith("tables/table3.toml") for fault in told)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"id = ", "tables/broken.toml: expected TOML, found something else: "),
        (b"\xff\xfe", "tables/broken.toml: expected UTF-8 text, found byte 0xff at offset 0"),
        (b"", 'tables/broken.toml: file: "schema" is missing'),
        (b"a = " + b"[" * 5000, "tables/broken.toml: expected TOML, found "),
    ],
)
def test_a_file_that_is_no_spec_is_told(desk: Path, content: bytes, sentence: str) -> None:
    (desk / "tables" / "broken.toml").write_bytes(content)
    assert any(fault.startswith(sentence) for fault in _faults())


def test_an_unknown_table_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r'^no table or figure "tabel1"; there are .*; did you mean "table1"\?$'):
        load.specs().table("tabel1")


def test_an_unknown_profile_is_told_with_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r'^no profile "mimi"; there are .*mini.*, or name a .toml file; did you mean "mini"\?$'
    ):
        load.profile("mimi")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"method.queue"', '"metod.queue"', 'scale "metod.queue": expected "group.key" of a recipe, groups are '),
        (
            "{ multiply = 0.03125,",
            "{ multiply = 0.03125, set = 3,",
            'scale "method.queue": expected exactly one of set, multiply, map, found 2',
        ),
        ('name = "shapes"', 'name = "shape"', "is not in repro/lab/datasets ("),
        ('"optimizer=adam.lr"', '"optimizer=adm.lr"', 'scale "optimizer=adm.lr": optimizer "adm" is not in repro/lab/'),
        (
            'of = "imagenet-100/val"',
            'of = "imagenet-100/vol"',
            'data set "imagenet-texture/val": of: "imagenet-100/vol" is not there; expected one of [datasets]; '
            'did you mean "imagenet-100/val"?',
        ),
        (
            'of = "imagenet-100/val"',
            'of = "imagenet-texture/val"',
            'data set "imagenet-texture/val" is made of itself, by way of imagenet-texture/val',
        ),
        ("workers = 2", "workers = 0", "workers: expected greater than or equal to 1, found 0"),
    ],
)
def test_a_fault_of_a_profile_is_told(desk: Path, old: str, new: str, sentence: str) -> None:
    _replace(desk / "profiles" / "mini.toml", old, new)
    with pytest.raises(SpecError) as caught:
        load.profile("mini")
    assert any(sentence in fault for fault in caught.value.faults), caught.value.faults
