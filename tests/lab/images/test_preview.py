"""What is shown of sets that stay in their owner's files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from repro.lab.images.preview import CLASSES, preview
from repro.reference import conditions, wnids
from tests.trees import classes

NAMES = wnids("imagenet-100")


def test_one_image_of_each_of_the_first_classes_is_decoded(tmp_path: Path) -> None:
    classes(tmp_path / "val", NAMES, each=2)
    spec = {"name": "imagenet", "place": str(tmp_path), "split": "val", "classes": "imagenet-100", "published": 0}
    shown = preview({**spec, "resize": 24, "pixels": 20, "fingerprint": "0"}, of=None)
    assert shown is not None
    assert isinstance(shown.images, np.ndarray)
    assert shown.images.shape == (CLASSES, 3, 20, 20)
    assert shown.labels.tolist() == list(range(CLASSES))
    assert shown.classes == NAMES[:CLASSES]
    assert len({image.tobytes() for image in shown.images}) == CLASSES


def test_of_a_corrupted_set_each_class_has_a_corruption_of_its_own(tmp_path: Path) -> None:
    for place, condition in enumerate(conditions(15)):
        classes(tmp_path / condition, NAMES, content=b"x")
        classes(tmp_path / condition, NAMES[:CLASSES], content=_flat(place))
    spec = {"name": "imagenet_c", "place": str(tmp_path), "classes": "imagenet-100", "corruptions": 15}
    shown = preview({**spec, "published": 0, "resize": 0, "pixels": 8}, of=None)
    assert shown is not None
    severe = [place for place, name in enumerate(conditions(15)) if name.endswith("/3")]
    assert [int(image[0, 0, 0]) for image in shown.images] == [severe[label % 15] for label in range(CLASSES)]


def _flat(value: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (value, 0, 0)).save(stream, "PNG")
    return stream.getvalue()
