"""How far a metric moves when the same weights look at the same images and the arithmetic alone differs.

What the band of `repro diff --regression` rests on (docs/judging.md): threads, images in a pass, memory layout and
precision on a processor, of networks that a run of the profile mini has left:

    repro run table1 --rows moco-k16384,supervised --seeds 0,1,2 && python benchmarks/arithmetic.py results
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.lab import data, encoder, probing
from repro.lab.recipes import build, member
from repro.plan.expand import Options, expand
from repro.plan.jobs import Job
from repro.spec import load
from repro.store import Store

ROWS, SEEDS = ("moco-k16384", "moco-k16384-patch-a2", "supervised"), (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Way:
    """How features are computed."""

    size: int = 256  # images in a forward pass
    threads: int = 1
    precision: torch.dtype = torch.float32
    layout: torch.memory_format = torch.channels_last


PLAIN = Way()
WAYS = {
    "two threads": replace(PLAIN, threads=2),
    "one image a pass": replace(PLAIN, size=1),
    "all in one pass": replace(PLAIN, size=10**6),
    "other memory layout": replace(PLAIN, layout=torch.contiguous_format),
    "double precision": replace(PLAIN, precision=torch.float64),
    "bf16": replace(PLAIN, precision=torch.bfloat16),
}


def main() -> None:
    """Print, way by way, how many answers differ from the plain way over all networks, and the largest change."""
    store, table, mini = Store(Path(sys.argv[1])), load.specs().table("table1"), load.profile("mini")
    plan = expand(load.specs().tables, table, mini, Options(seeds=SEEDS, rows=ROWS, columns=["imagenet"]))
    jobs = [plan.jobs[job] for seeds in plan.cells.values() for job in seeds.values() if store.has(job)]
    moved: dict[str, list[tuple[int, float]]] = {way: [] for way in WAYS}
    for job in jobs:
        images, labels, network, classifier = _held(store, job)
        first = answers(network, classifier, images, PLAIN)
        for name, way in WAYS.items():
            found = answers(network, classifier, images, way)
            points = 100 * float(np.mean(found == labels) - np.mean(first == labels))
            moved[name].append((int(np.count_nonzero(found != first)), points))
    print(f"{len(jobs)} networks, {len(labels):,} images each: other answers in all, largest change of top-1 in points")
    for name, each in moved.items():
        print(f"{name:20} {sum(count for count, _ in each):5d} {max((points for _, points in each), key=abs):+.3f}")


def _held(store: Store, job: Job) -> tuple[Tensor, NDArray[np.int64], nn.Module, probing.Classifier]:
    """The images as the network sees them, their labels, the network and its probe."""
    images, groups = data.read(store.folder(job.inputs["data"])), job.spec["recipe"]
    views = member("views", groups["views"]["name"])
    shown = build(views.Recipe, groups["views"])
    seen = views.plain(torch.from_numpy(np.array(images.images)), shown, pixels=images.images.shape[-1])
    network = encoder.load(store.folder(job.inputs["pretrain"]), groups["net"], device="cpu")
    return seen, images.labels, network, probing.load(store.folder(job.inputs["probe"]))[0]


def answers(network: nn.Module, classifier: probing.Classifier, images: Tensor, way: Way) -> NDArray[np.int64]:
    """The most probable class of each image."""
    kind = torch.float64 if way.precision is torch.float64 else torch.float32
    network = network.to(kind).to(memory_format=way.layout)
    before = torch.get_num_threads()
    torch.set_num_threads(way.threads)
    try:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=way.precision is torch.bfloat16):
            parts = [network.features(part.to(kind)).float() for part in images.split(way.size)]
        return classifier.probabilities(torch.cat(parts)).argmax(1)
    finally:
        torch.set_num_threads(before)


if __name__ == "__main__":
    main()
