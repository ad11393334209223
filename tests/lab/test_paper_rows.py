"""Every row of every table and figure takes a training step as the paper's recipe has it: ResNet-50, its own method,
negatives, optimiser and queue. Only the batch is smaller, and the images are of at most 80 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from repro.files import canonical
from repro.lab import data
from repro.lab.jobs import Context, pretrain
from repro.spec import load, recipes

GROUPS = ("net", "views", "method", "negatives", "optimizer", "training", "input")
BATCH, PIXELS = 8, 80  # eight images for the eight groups of shuffling batch normalisation
SPECS = load.specs()


def distinct() -> Iterator[Any]:
    """Each training recipe once, under the name of the first row that has it; rows of one method differ in numbers."""
    met: set[str] = set()
    for table in SPECS.tables.values():
        for row in table.rows:
            if row.same_as is None and row.not_runnable is None:
                recipe = recipes.plain(recipes.merged(table, row))
                key = canonical({group: recipe[group] for group in GROUPS})
                kind = canonical([recipe[group].get("name") for group in GROUPS])
                first_of_kind = kind not in met
                if key not in met:
                    marks = [] if first_of_kind and table.id != "fnc" else [pytest.mark.slow]
                    yield pytest.param(recipe, id=f"{table.id}/{row.id}", marks=marks)
                met |= {key, kind}


@pytest.mark.parametrize("recipe", list(distinct()))
def test_a_row_trains_at_paper_scale(recipe: dict[str, dict[str, Any]]) -> None:
    pixels = min(PIXELS, int(recipe["data"]["pixels"]))
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (2 * BATCH, 3, pixels, pixels), dtype=np.uint8)
    images = data.Images(pictures, np.arange(2 * BATCH) % 4, ("a", "b", "c", "d"))
    recipe["training"]["batch"] = BATCH
    spec = {"recipe": {group: recipe[group] for group in GROUPS}, "pixels": pixels}
    run = pretrain._prepare(spec, seed=0, images=images, textures=pictures, context=Context(device="cpu"))
    before = {name: value.clone() for name, value in run.method.encoder.named_parameters()}
    rate = run.schedule.learning_rate(0)
    loss = pretrain._step(run)
    assert bool(loss.isfinite())
    assert rate > 0
    moved = [name for name, value in run.method.encoder.named_parameters() if not torch.equal(value, before[name])]
    assert len(moved) > len(before) / 2
    assert all(bool(value.isfinite().all()) for value in run.method.parameters())
