"""Which classes of a tree are of one superclass: ImageNet's dogs by wnid, or what a file in the tree says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro.errors import DataMissing
from repro.lab.datasets import folder, folder_corrupted
from repro.lab.images import superclasses

CHIHUAHUA, MEXICAN_HAIRLESS, TIMBER_WOLF, TABBY = "n02085620", "n02113978", "n02114367", "n02123045"


def complaint(root: Path, *, superclass: str = "dog", classes: tuple[str, ...] = ("a", "b")) -> str:
    with pytest.raises(DataMissing) as caught:
        superclasses.parents(root, superclass=superclass, classes=classes)
    return str(caught.value)


def listed(root: Path, text: str) -> Path:
    (root / "superclasses.toml").write_text(text, encoding="utf-8")
    return root


def test_dogs_are_those_of_imagenet_from_the_chihuahua_to_the_mexican_hairless(tmp_path: Path) -> None:
    classes = (CHIHUAHUA, MEXICAN_HAIRLESS, TIMBER_WOLF, TABBY)
    found = superclasses.parents(tmp_path, superclass="dog", classes=classes)
    assert found == ((0, 0, -1, -1), ("dog",))


def test_the_list_of_dogs_is_the_reference_one(shared: Path) -> None:
    lines = (shared / "reference" / "dog_wnids.txt").read_text(encoding="utf-8").splitlines()[1:]
    expected = tuple(line.split()[1] for line in lines)
    assert len(expected) == 118
    assert superclasses.parents(shared, superclass="dog", classes=expected) == ((0,) * 118, ("dog",))


def test_without_a_dog_or_without_the_question_there_is_no_superclass(tmp_path: Path) -> None:
    assert superclasses.parents(tmp_path, superclass="dog", classes=("cat", "dog")) == (None, ())
    assert superclasses.parents(tmp_path, superclass="", classes=(CHIHUAHUA,)) == (None, ())


def test_a_file_in_the_tree_comes_first(tmp_path: Path) -> None:
    listed(tmp_path, 'oak = "tree"\nelm = "tree"\n')
    found = superclasses.parents(tmp_path, superclass="dog", classes=(CHIHUAHUA, "elm", "oak", "rose"))
    assert found == ((-1, 0, 0, -1), ("tree",))


def test_an_unknown_superclass_is_told(tmp_path: Path) -> None:
    assert complaint(tmp_path, superclass="bird") == (
        f'{tmp_path}: the superclass "bird" is not known: expected "dog" or a file superclasses.toml '
        'with lines such as n02099601 = "bird"'
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('a = "x"\nb = 3\n', "expected a superclass for each class, as in n02099601 = \"dog\", found none for 'b'"),
        ("", 'expected a superclass for each class, as in n02099601 = "dog", found no line'),
        (
            'a = "x"\nb = "y"\n',
            "expected one superclass, as fine and coarse accuracy are those of one, found 2: x, y; "
            "keep the lines of one",
        ),
        (
            'a = "x"\nc = "x"\nd = "x"\ne = "x"\nf = "x"\n',
            "4 of its 5 classes are no folder of photographs: c, d, e and 1 more; "
            "name the folders as they are in train/ and val/",
        ),
    ],
)
def test_faults_of_the_file_are_told(tmp_path: Path, text: str, sentence: str) -> None:
    assert complaint(listed(tmp_path, text)) == f"{tmp_path / 'superclasses.toml'}: {sentence}"


def test_a_file_that_is_no_toml_is_told(tmp_path: Path) -> None:
    begin = f'{tmp_path / "superclasses.toml"}: expected TOML with lines class = "superclass", found a fault: '
    assert complaint(listed(tmp_path, "a: x\n")).startswith(begin)
    (tmp_path / "superclasses.toml").write_bytes(b'a = "\xff"\n')
    assert complaint(tmp_path).startswith(begin)


def test_both_readers_of_a_tree_tell_its_dogs(tmp_path: Path) -> None:
    for name in (CHIHUAHUA, TABBY):
        (tmp_path / "val" / name).mkdir(parents=True)
        Image.new("RGB", (32, 32), (90, 60, 30)).save(tmp_path / "val" / name / "1.png")
    clean = folder.build(folder.Recipe(root=str(tmp_path), split="val", pixels=32, count=0, superclass="dog"))
    corrupted = folder_corrupted.build(
        folder_corrupted.Recipe(root=str(tmp_path), split="val", pixels=32, count=0, superclass="dog", seed=0)
    )
    for images in (clean, corrupted):
        assert (images.parents, images.parent_names) == ((0, -1), ("dog",))
    assert np.array_equal(clean.labels, [0, 1])
