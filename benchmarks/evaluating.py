"""Evaluating several networks in one pass over the images, beside one network after the other.

CPU seconds of one thread that also decodes, loading the networks included. What is saved is reading, decoding and
cutting: most of the work where the network is small, little of it where a ResNet-50 runs on a processor, and on a
graphics card what the card would wait for.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import recipe
import timing
import torch
from PIL import Image

from repro.lab import data, encoder, probing, snapshot
from repro.lab.jobs import Context, Outcome
from repro.lab.jobs.evaluate import Task, together
from repro.lab.recipes import member

NETWORKS = (1, 4, 8)
CLASSES = tuple(f"class {index}" for index in range(100))
SIZE, RESIZE = (500, 375), 1.15  # of the files, as ImageNet's; shorter side after resizing, in sides of the network
CASES = (  # what, net and views of which profile, pixels, images, from files, turns
    ("small net, 32 px, JPEG files of 500 x 375", "mini", 32, 256, True, 3),
    ("small net, 32 px, arrays", "mini", 32, 2560, False, 3),
    ("ResNet-50, 64 px, JPEG files of 500 x 375", "paper", 64, 64, True, 2),
)


def images(root: Path, *, pixels: int, count: int, files: bool) -> None:
    """A set of clouds with edges in them, written as a data job leaves it."""
    random, labels = np.random.default_rng(0), np.arange(count, dtype=np.int64) % len(CLASSES)
    if not files:
        pictures = random.integers(0, 256, (count, 3, pixels, pixels), dtype=np.uint8)
        data.write(data.Images(pictures, labels, CLASSES), root / "data")
        return
    (root / "tree").mkdir()
    names = np.array([f"{index:04}.jpeg" for index in range(count)])
    for name in names:
        coarse = random.integers(0, 256, (SIZE[1] // 8, SIZE[0] // 8, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC)
        picture.save(root / "tree" / str(name), quality=90)
    sizes = np.array([(root / "tree" / str(name)).stat().st_size for name in names])
    listed = data.Files(root / "tree", names, sizes, resize=round(RESIZE * pixels), pixels=pixels)
    data.write(data.Images(listed, labels, CLASSES), root / "data")


def network(root: Path, groups: dict[str, dict[str, object]], *, seed: int) -> dict[str, Path]:
    """A network with random weights and its probe, as a pretraining and a probe leave them."""
    net = member("nets", str(groups["net"]["name"])).build(recipe.typed("nets", groups["net"]), seed=seed)
    snapshot.save(root / f"net{seed}" / encoder.FILE, net.state_dict(), about={})
    weight = torch.randn(len(CLASSES), net.feature_size, generator=torch.Generator().manual_seed(seed))
    probing.Classifier(weight, torch.zeros(len(CLASSES))).save(root / f"net{seed}", classes=CLASSES)
    return {"data": root / "data", "pretrain": root / f"net{seed}", "probe": root / f"net{seed}"}


def evaluate(tasks: Sequence[Task]) -> None:
    """Evaluate in one pass."""
    for task, found in together(tasks, Context(device="cpu")):
        if not isinstance(found, Outcome):
            raise found
        shutil.rmtree(task.folder)


def compare(root: Path, profile: str, *, pixels: int, count: int, files: bool, turns: int) -> list[timing.Row]:
    """For each number of networks, seconds per image and network in one pass and one at a time."""
    groups = recipe.row(recipe.PATCH, profile=profile)
    kept = {group: groups[group] for group in ("net", "views", "evaluation")}
    images(root, pixels=pixels, count=count, files=files)
    spec = {"evaluator": "accuracy", "recipe": kept, "limit": None}
    tasks = [Task(spec, network(root, kept, seed=seed), root / f"out{seed}") for seed in range(max(NETWORKS))]
    rows = []
    for networks in NETWORKS:
        some = tasks[:networks]
        found = timing.medians(
            lambda some=some: evaluate(some),
            lambda some=some: [evaluate([task]) for task in some],
            repeats=turns,
        )
        ours, theirs = (spent / count / networks for spent in found)
        rows.append((f"{networks} network{'s' if networks > 1 else ''}", ours, theirs))
    return rows


def main() -> None:
    for title, profile, pixels, count, files, turns in CASES:
        with tempfile.TemporaryDirectory() as folder:
            rows = compare(Path(folder), profile, pixels=pixels, count=count, files=files, turns=turns)
        print(f"{title}, {count} images; ms per image and network, CPU time, one thread, medians of {turns}")
        for what, ours, theirs in rows:
            print(f"{what:12}  one pass {ours * 1e3:8.3f}  one by one {theirs * 1e3:8.3f}  {theirs / ours:5.2f}x")


if __name__ == "__main__":
    main()
