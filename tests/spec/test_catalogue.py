"""The catalogue of data sets: what is shipped says what is known, and each way to write it wrong is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repro.errors import SpecError, UsageError
from repro.reference import wnids
from repro.spec import catalogue
from tests.conftest import CHECKOUT


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of specs with the user's own copy of the catalogue."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "datasets.toml").write_text((CHECKOUT / "datasets.toml").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path / "datasets.toml"


def test_the_shipped_numbers_are_the_published_ones(desk: Path) -> None:
    sets = {each.name: each for each in catalogue.read().sets}
    assert sets["imagenet"].images == 1_281_167 + 50_000
    assert sets["imagenet-c"].images == 15 * 5 * 50_000
    assert sets["imagenet-c"].loads == 22565673785 + 7112704951 + 12797438995 + 7757510705
    assert sets["stl-10"].images == 113_000
    assert sets["stl-10"].extracted == sum(file.bytes for file in sets["stl-10"].files)
    assert sets["imagenet-sketch"].loads is None, "nobody publishes the size of its archive"
    assert {tree.images for tree in sets["imagenet-100"].trees} == {126_689, 5_000}


def test_every_corruption_is_there_and_comes_out_of_one_archive(desk: Path, shared: Path) -> None:
    published = json.loads((shared / "reference" / "imagenet_c_corruptions.json").read_text())
    groups = {**published["groups"], "extra": published["extra"]}
    found = catalogue.read().find("imagenet-c")
    assert {archive.name: sorted(archive.gives) for archive in found.archives} == {
        f"{name}.tar": sorted(names) for name, names in groups.items()
    }
    common, extra = ({folder.split("/")[0] for folder in catalogue.folders(tree)} for tree in found.trees)
    assert common | extra == {name for names in groups.values() for name in names}
    assert len(common) == 15


def test_whole_class_lists_are_known() -> None:
    from repro.holdings import classes

    for name in ("imagenet-1k", "imagenet-100", "imagenet-r", "imagenet-100-r", "geirhos-16"):
        assert classes.identify(reversed(classes.members(name))) == name  # type: ignore[arg-type]
    assert classes.identify(wnids("imagenet-100")[1:]) is None


def test_the_stimuli_are_those_of_the_repository(shared: Path) -> None:
    import csv

    from repro.holdings.files import manifest

    with (shared / "reference" / "cue_conflict_manifest.csv").open() as stream:
        rows = {row["path"]: row["git_blob_sha1"] for row in csv.DictReader(stream)}
    assert manifest("cue_conflict") == rows


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('comes   = "login"', 'comes   = "post"',
         'set "imagenet", comes: expected \'download\', \'login\', \'derived\' or \'made\', found \'post\''),
        ('comes   = "login"', 'come   = "login"',
         'set "imagenet": unknown key "come"; expected one of archives, beside, comes, extracted, files, home, inner, '
         'layout, licence, manifest, name, notes, of, sources, steps, title, trees; did you mean "comes"?'),
        ('name    = "imagenet-r"', 'name    = "imagenet-c"', 'sets: the name "imagenet-c" is given twice'),
        ('of      = "imagenet"', 'of      = "imagnet"',
         'set "imagenet-100": of: no set "imagnet"; did you mean "imagenet"?'),
        ('hash_by = "none"', 'hash_by = "others"',
         'set "imagenet-sketch", archive "ImageNet-Sketch.zip": hash_by is "others" and no hash is given'),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence(desk: Path, old: str, new: str, told: str) -> None:
    text = desk.read_text()
    at = text[: text.index(old)].count("\n") + 1
    desk.write_text(text.replace(old, new, 1))
    with pytest.raises(SpecError) as caught:
        catalogue.read()
    (fault,) = [fault for fault in caught.value.faults if "is missing" not in fault]
    place, _, sentence = fault.partition(": ")
    assert sentence == told
    assert abs(int(place.removeprefix("datasets.toml:")) - at) <= 3, "the line, or that of the part it stands in"


def test_a_set_without_images_is_told(desk: Path) -> None:
    desk.write_text(
        'schema = 1\n[[sets]]\nname = "a"\ntitle = "A"\nhome = "h"\nlicence = "l"\ncomes = "made"\nlayout = "x"\n'
        'steps = ["s"]\nsources = ["s"]\n'
    )
    with pytest.raises(SpecError) as caught:
        catalogue.read()
    assert caught.value.faults == ['datasets.toml:2: set "a": expected [[sets.trees]] or [[sets.files]], found neither']


def test_an_unknown_set_is_told_with_the_nearest(desk: Path) -> None:
    with pytest.raises(UsageError) as caught:
        catalogue.read().find("imagenet-s")
    known = "imagenet, imagenet-100, imagenet-c, imagenet-sketch, imagenet-r, stylized-imagenet, stl-10, cue-conflict"
    assert str(caught.value) == (
        f'no data set "imagenet-s"; there are {known}, imagenet-texture; did you mean "imagenet-r"?'
    )
