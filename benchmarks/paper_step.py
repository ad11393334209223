"""A step of ResNet-50 with patch-based negatives beside a plain re-statement of the official one, same settings.

Both are given the same views and negatives on the device; what makes those is measured in `input.py`. With a graphics
card: images a second and the peak of its memory. Without one the default sizes take minutes: `--batch 8 --pixels 64`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import recipe
import timing  # noqa: F401  it makes `repro` the checkout this file lies in
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet50

from repro.lab.batch import Batch, Negative, Setting
from repro.lab.methods import moco
from repro.lab.recipes import member
from repro.lab.seeds import generator

REPEATS = 20


def ours(values: recipe.recipes.Plain, *, batch: int, device: str, precision: torch.dtype) -> Callable[[Batch], None]:
    """A step of the lab's MoCo-v2 with its optimiser; one group of batch statistics, as one official process has."""
    net = recipe.typed("nets", values["net"])
    rule = replace(recipe.typed("methods", values["method"]), shuffle_groups=1)
    setting = Setting(batch=batch, images=126689, classes=100, epoch_steps=100, steps=200, seed=0)
    method = moco.build(rule, member("nets", values["net"]["name"]).build(net, seed=0), setting=setting)
    method = method.to(device).train()
    trained = [part for part in method.parameters() if part.requires_grad]
    optimizer = member("optimizers", "sgd").build(trained, recipe.typed("optimizers", values["optimizer"]))

    def step(given: Batch) -> None:
        with torch.autocast(device, precision, enabled=precision is not torch.float32):
            loss = method(given, generator=generator(0, "method", step=0))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def official(values: recipe.recipes.Plain, *, device: str, precision: torch.dtype) -> Callable[[Batch], None]:
    """The order of operations of the official moco/builder.py and training loop, written down plainly, one process."""
    outputs, size = values["net"]["outputs"], values["method"]["queue"]
    momentum, temperature = values["method"]["momentum"], values["method"]["temperature"]
    query, key = resnet50(num_classes=outputs), resnet50(num_classes=outputs)
    for encoder in (query, key):
        encoder.fc = nn.Sequential(nn.Linear(2048, 2048), nn.ReLU(), encoder.fc)
    key.load_state_dict(query.state_dict())
    key.requires_grad_(False)
    query, key = query.to(device).train(), key.to(device).train()
    queue, place = F.normalize(torch.randn(outputs, size, device=device), dim=0), 0
    rule = values["optimizer"]
    optimizer = torch.optim.SGD(
        query.parameters(), rule["lr"], momentum=rule["momentum"], weight_decay=rule["weight_decay"]
    )

    def step(given: Batch) -> None:
        nonlocal place
        (negative,) = given.negatives
        with torch.autocast(device, precision, enabled=precision is not torch.float32):
            q = F.normalize(query(given.views[0]), dim=1)
            with torch.no_grad():
                for behind, ahead in zip(key.parameters(), query.parameters(), strict=True):
                    behind.data = behind.data * momentum + ahead.data * (1.0 - momentum)
                order = torch.randperm(len(q), device=device)
                k = F.normalize(key(given.views[1][order]), dim=1)[order.argsort()]
                ns = F.normalize(key(negative.images), dim=1)
            positive = torch.einsum("nc,nc->n", q, k).unsqueeze(-1)
            others = torch.einsum("nc,ck->nk", q, queue.clone().detach())
            patches = torch.einsum("nc,nc->n", q, ns).unsqueeze(-1) * negative.alpha
            logits = torch.cat([positive, others, patches], dim=1) / temperature
            loss = F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long, device=device))
        queue[:, place : place + len(k)] = k.T.to(queue.dtype)
        place = (place + len(k)) % size
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def given(batch: int, *, pixels: int, device: str, alpha: float) -> Batch:
    """Views and negatives of one step, of noise: what is in them changes no time."""
    made: list[Tensor] = [
        torch.randn(batch, 3, pixels, pixels, device=device).to(memory_format=torch.channels_last) for _ in range(3)
    ]
    places = torch.arange(batch, device=device)
    return Batch((made[0], made[1]), (Negative(made[2], alpha),), places, places % 100, 0)


def measure(steps: dict[str, Callable[[], None]], *, device: str, repeats: int) -> dict[str, tuple[float, float]]:
    """Median seconds of each step, taking turns, and the peak of the card's memory in GiB (0 without a card).

    Seconds on the clock with a card, of CPU time without.
    """
    clock = time.perf_counter if device == "cuda" else time.process_time
    times: dict[str, list[float]] = {name: [] for name in steps}
    peaks = dict.fromkeys(steps, 0.0)
    for turn in range(repeats + 2):
        for name, step in steps.items():
            if device == "cuda":
                torch.cuda.reset_peak_memory_stats()
                torch.cuda.synchronize()
            start = clock()
            step()
            if device == "cuda":
                torch.cuda.synchronize()
                peaks[name] = torch.cuda.max_memory_allocated() / 2**30
            if turn >= 2:  # the first ones choose kernels
                times[name].append(clock() - start)
    return {name: (median(times[name]), peaks[name]) for name in steps}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--pixels", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    asked = parser.parse_args()
    values = recipe.row(recipe.PATCH, profile="paper")
    batch = given(asked.batch, pixels=asked.pixels, device=asked.device, alpha=values["negatives"]["alpha"])
    for name, precision in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        mine = ours(values, batch=asked.batch, device=asked.device, precision=precision)
        theirs = official(values, device=asked.device, precision=precision)
        steps = {"ours": lambda mine=mine: mine(batch), "official": lambda theirs=theirs: theirs(batch)}
        found = measure(steps, device=asked.device, repeats=asked.repeats)
        for who, (seconds, peak) in found.items():
            print(f"{name} {who:9} {asked.batch / seconds:8.1f} images/s  {seconds * 1e3:8.1f} ms  {peak:6.2f} GiB")
        print(f"{name} official takes {found['official'][0] / found['ours'][0]:.2f} times as long")


if __name__ == "__main__":
    main()
