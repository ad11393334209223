"""Methods without a place for non-semantic negatives say so instead of training without them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from repro.errors import JobFailed
from repro.lab.jobs import Context, pretrain

METHODS = {
    "insdis": {"samples": 8, "momentum": 0.5, "temperature": 0.07, "loss": "softmax"},
    "cmc": {"samples": 8, "momentum": 0.5, "temperature": 0.07, "loss": "softmax"},
    "supervised": {},
}


@pytest.mark.parametrize("name", METHODS)
def test_negatives_are_not_left_aside(name: str, recipe: Any, folder: Path, tmp_path: Path) -> None:
    recipe["method"] = {"name": name, **METHODS[name]}
    assert recipe["negatives"]["name"] == "patch"
    recipe["net"] |= {"name": "small_pair"} if name == "cmc" else {}
    spec = {"recipe": recipe, "pixels": 16}
    with pytest.raises(JobFailed) as caught:
        pretrain.run(spec, seed=0, inputs={"data": folder}, folder=tmp_path, context=Context(device="cpu"))
    assert str(caught.value) == (
        f'negatives.name: the loss of "{name}" has no place for non-semantic negatives; set it to "none", or '
        "method.name to one that has (docs/methods.md)"
    )
