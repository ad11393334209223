"""The profile `pilot` from a folder of photographs to Figure 6, on photographs of flat colour."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro.plan import outline
from repro.plan.expand import expand
from repro.spec import load

Typed = Callable[..., tuple[int, str, str]]
CHECKOUT = Path(__file__).resolve().parents[1]
CLASSES = {  # wnid -> colour of its photographs, and Geirhos' category
    "n02099601": ((200, 150, 60), "dog"),  # golden retriever
    "n02113799": ((60, 50, 40), "dog"),  # standard poodle
    "n02123045": ((150, 150, 150), "cat"),  # tabby
    "n07747607": ((250, 140, 0), None),  # orange
}
COLUMNS = "shape-bias,shape-accuracy,texture-accuracy,imagenet,dog-fine,dog-coarse,imagenet-c-severity-5"


def photographs(root: Path) -> Path:
    """A tree of noise around a colour a class: 20 to train on and 4 of each."""
    random = np.random.default_rng(0)
    for split, count in (("train", 20), ("val", 4)):
        for name, (colour, _) in CLASSES.items():
            (root / split / name).mkdir(parents=True)
            for index in range(count):
                noise = random.normal(colour, 25, (64, 80, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(noise).save(root / split / name / f"{index}.png")
    return root


def stimuli(root: Path) -> Path:
    """Two cats like dogs, two dogs like cats, a dog like an oven, a boat like an oven, a cat like a cat."""
    names = ("cat1-dog1", "cat2-dog2", "cat3-cat1", "dog1-cat2", "dog2-cat1", "dog3-oven1", "boat1-oven2")
    for index, name in enumerate(names):
        place = root / name.partition("-")[0].rstrip("0123456789")
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (224, 224), (30 * index, 100, 90)).save(place / f"{name}.png")
    return root


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """`pilot` with two epochs of a narrow network."""
    text = (CHECKOUT / "profiles" / "pilot.toml").read_text(encoding="utf-8")
    rules = {
        r"(?m)^id +=.*$": 'id = "tiny-pilot"',
        r'(?m)^"training.epochs" .*$': '"training.epochs" = { set = 2, why = "test" }',
        r'(?m)^"training.warmup_epochs" .*$': '"training.warmup_epochs" = { set = 0.5, why = "test" }',
        r'(?m)^"training.batch" .*$': '"training.batch" = { set = 16, why = "test" }',
        r'(?m)^"method.queue" .*$': '"method.queue" = { set = 32, why = "test" }',
        r"widths = \[[^]]*\]": "widths = [8, 8, 16]",
        r"strides = \[[^]]*\]": "strides = [2, 2, 2]",
        r"count +?= 20": "count = 1",
    }
    for pattern, new in rules.items():
        text, changes = re.subn(pattern, new, text)
        assert changes, pattern
    (tmp_path / "tiny-pilot.toml").write_text(text, encoding="utf-8")
    return tmp_path / "tiny-pilot.toml"


def test_figure_6_of_a_folder_of_photographs(profile: Path, tmp_path: Path, typed: Typed) -> None:
    photos, cues = photographs(tmp_path / "photos"), stimuli(tmp_path / "cues")
    words = ["figure6", "--profile", profile, "--rows", "a0", "--columns", COLUMNS, "--results", tmp_path / "results"]
    words += ["--data", f"photographs={photos}", "--data", f"cue-conflict={cues}"]
    code, out, err = typed("run", *words)
    assert (code, err) in ((0, ""), (1, "")), out + err  # 1: a claim that two epochs do not bear out
    assert "cannot" not in out
    assert "✗" not in out
    found = {}
    for path in (tmp_path / "results").glob("*/*/record.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        found[record["label"]] = record["values"]
    bias = found["evaluate shape-bias of a0, seed 0"]
    assert [bias[f"n{reading}"] for reading in ("", "-any-cue", "-all", "-model-vs-human")] == [4, 5, 6, 5]
    assert (bias["categories"], bias["categories_of"]) == (2, 16)
    assert (
        bias["shape_accuracy"] + bias["texture_accuracy"] == 100.0
    )  # of two categories a decision is one or the other
    dogs = found["evaluate dog-fine of a0, seed 0"]
    assert dogs["n"] == 8
    assert 0 <= dogs["fine"] <= dogs["coarse"] <= 100
    assert found["evaluate imagenet-c-severity-5 of a0, seed 0"]["n"] == 75 * 4
    (note,) = found["data cue-conflict"]["notes"]
    assert note.startswith("7 of the 1,280 cue-conflict images, with no image of the shape airplane, bear, ")


def test_without_cue_conflict_images_the_other_columns_run_and_these_say_what_they_need(tmp_path: Path) -> None:
    specs, pilot = load.specs(), load.profile("pilot")
    columns = COLUMNS.split(",")
    options = outline.Options(seeds=[0], rows=["a0"], columns=columns, data={"photographs": photographs(tmp_path)})
    plan = expand(specs.tables, specs.table("figure6"), pilot, options)
    needed = (
        "needs Geirhos' cue-conflict images, one folder a shape: name its folder with --data cue-conflict=DIR, "
        "or in repro.toml"
    )
    assert plan.blocked == {("a0", name): needed for name in columns[:3]}
    assert {column for _, column in plan.cells} == set(columns[3:])
