"""Each optimiser against a slow loop over the equations of its paper, number by number in Python."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from repro.lab import snapshot
from repro.lab.optimizers import adam, lars, sgd

SGD = sgd.Recipe(lr=0.1, momentum=0.9, weight_decay=0.01)
ADAM = adam.Recipe(lr=0.1, momentum=0.9, second_momentum=0.999, weight_decay=0.01)
LARS = lars.Recipe(lr=0.5, momentum=0.9, weight_decay=0.01, trust=0.02, clip=False)
MEMBERS = [(sgd, SGD), (adam, ADAM), (lars, LARS)]
RATES = [0.1, 0.5, 0.3, 0.01]  # a schedule changes the rate from step to step

Rows = list[float]
Rule = Callable[[Rows, Rows, float, int, dict[str, Rows], int], Rows]


def parameters() -> list[nn.Parameter]:
    """A matrix, a kernel, a bias, and a matrix of zeros."""
    random = torch.Generator().manual_seed(0)
    shapes = [(3, 4), (2, 3, 2, 2), (4,)]
    parts = [torch.randn(shape, generator=random).double() for shape in shapes]
    return [nn.Parameter(part) for part in (*parts, torch.zeros(2, 2).double())]


def gradients(step: int) -> list[Tensor]:
    random = torch.Generator().manual_seed(step + 1)
    return [torch.randn(part.shape, generator=random).double() for part in parameters()]


def steps(optimizer: torch.optim.Optimizer, parts: list[nn.Parameter], which: range) -> None:
    for step in which:
        for part, gradient in zip(parts, gradients(step), strict=True):
            part.grad = gradient
        optimizer.param_groups[0]["lr"] = RATES[step]
        optimizer.step()


def sgd_rule(w: Rows, g: Rows, lr: float, ndim: int, kept: dict[str, Rows], t: int) -> Rows:
    """v = 0.9 v + g + decay w; w = w - lr v."""
    kept["v"] = [0.9 * v + a + 0.01 * b for v, a, b in zip(kept.get("v", [0.0] * len(w)), g, w, strict=True)]
    return [b - lr * v for b, v in zip(w, kept["v"], strict=True)]


def adam_rule(w: Rows, g: Rows, lr: float, ndim: int, kept: dict[str, Rows], t: int) -> Rows:
    """Algorithm 1 of Kingma and Ba 2015 on g + decay w."""
    g = [a + 0.01 * b for a, b in zip(g, w, strict=True)]
    kept["m"] = [0.9 * m + 0.1 * a for m, a in zip(kept.get("m", [0.0] * len(w)), g, strict=True)]
    kept["v"] = [0.999 * v + 0.001 * a * a for v, a in zip(kept.get("v", [0.0] * len(w)), g, strict=True)]
    moves = [
        (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8) for m, v in zip(kept["m"], kept["v"], strict=True)
    ]
    return [b - lr * move for b, move in zip(w, moves, strict=True)]


def lars_rule(w: Rows, g: Rows, lr: float, ndim: int, kept: dict[str, Rows], t: int, *, clip: bool = False) -> Rows:
    """Algorithm 1 of You et al. 2017: the local rate is trust |w| / |g + decay w|; vectors are left alone."""
    if ndim > 1:
        g = [a + 0.01 * b for a, b in zip(g, w, strict=True)]
        size, force = (math.sqrt(sum(x * x for x in part)) for part in (w, g))
        local = 0.02 * size / force if size > 0 and force > 0 else None
        if clip and local is not None:
            local = min(local, lr) / lr  # the product with lr below is then the smaller of the two
        g = [(1.0 if local is None else local) * a for a in g]
    kept["v"] = [0.9 * v + a for v, a in zip(kept.get("v", [0.0] * len(w)), g, strict=True)]
    return [b - lr * v for b, v in zip(w, kept["v"], strict=True)]


def clipped_rule(w: Rows, g: Rows, lr: float, ndim: int, kept: dict[str, Rows], t: int) -> Rows:
    return lars_rule(w, g, lr, ndim, kept, t, clip=True)


@pytest.mark.parametrize(
    ("module", "recipe", "rule"),
    [
        (sgd, SGD, sgd_rule),
        (adam, ADAM, adam_rule),
        (lars, LARS, lars_rule),
        (lars, lars.Recipe(lr=0.5, momentum=0.9, weight_decay=0.01, trust=0.02, clip=True), clipped_rule),
    ],
)
def test_steps_are_those_of_the_equations(module: Any, recipe: Any, rule: Rule) -> None:
    parts = parameters()
    optimizer = module.build(parts, recipe)
    steps(optimizer, parts, range(4))
    for index, part in enumerate(parameters()):
        numbers: Rows = part.detach().flatten().tolist()
        kept: dict[str, Rows] = {}
        for step in range(4):
            gradient = gradients(step)[index].flatten().tolist()
            numbers = rule(numbers, gradient, RATES[step], part.ndim, kept, step + 1)
        assert parts[index].detach().flatten().tolist() == pytest.approx(numbers, rel=1e-10)


def test_lars_steps_are_those_of_lightly_where_nothing_decays() -> None:
    """lightly adapts what has a weight decay; a tiny one leaves its values alone."""
    pytest.importorskip("lightly")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lightly.utils.lars import LARS as Lightly
    ours, theirs = parameters()[:2], parameters()[:2]
    steps_of = lars.build(ours, lars.Recipe(lr=0.5, momentum=0.9, weight_decay=0.0, trust=0.001, clip=False))
    lightly = Lightly(theirs, lr=0.5, momentum=0.9, weight_decay=1e-14, trust_coefficient=0.001)
    for optimizer, parts in ((steps_of, ours), (lightly, theirs)):
        for step in range(4):
            for part, gradient in zip(parts, gradients(step), strict=False):
                part.grad = gradient
            optimizer.param_groups[0]["lr"] = RATES[step]
            optimizer.step()
    for left, right in zip(ours, theirs, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("clip", [False, True])
def test_a_larger_gradient_does_not_move_a_matrix_further(clip: bool) -> None:
    """The point of LARS: the length of a step depends on the weights; with the clip it may be shorter."""
    recipe = lars.Recipe(lr=1.0, momentum=0.0, weight_decay=0.0, trust=0.02, clip=clip)
    lengths = []
    for factor in (1.0, 1000.0):
        part = parameters()[0]
        before = part.detach().clone()
        part.grad = factor * gradients(0)[0]
        lars.build([part], recipe).step()
        lengths.append(float((part.detach() - before).norm() / before.norm()))
    assert lengths == pytest.approx([0.02, 0.02], rel=1e-9)


def test_a_rate_of_zero_moves_nothing_and_breaks_nothing() -> None:
    """Where a cosine ends."""
    for clip in (False, True):
        parts = parameters()
        optimizer = lars.build(parts, lars.Recipe(lr=0.0, momentum=0.9, weight_decay=0.1, trust=0.02, clip=clip))
        for part, gradient in zip(parts, gradients(0), strict=True):
            part.grad = gradient
        optimizer.step()
        assert all(torch.equal(part, before) for part, before in zip(parts, parameters(), strict=True))


@pytest.mark.parametrize(("module", "recipe"), MEMBERS)
def test_what_has_no_gradient_stays(module: Any, recipe: Any) -> None:
    parts = parameters()
    module.build(parts, recipe).step()
    assert all(torch.equal(part, before) for part, before in zip(parts, parameters(), strict=True))


@pytest.mark.parametrize(("module", "recipe"), MEMBERS)
def test_state_is_tensors_and_goes_on_to_the_bit_from_a_file(module: Any, recipe: Any, tmp_path: Any) -> None:
    """As pretraining saves it: the tensors of each parameter's state by index, and nothing else."""
    whole = parameters()
    optimizer = module.build(whole, recipe)
    steps(optimizer, whole, range(2))
    state = copy.deepcopy(optimizer.state_dict()["state"])
    assert all(isinstance(part, Tensor) for parts in state.values() for part in parts.values())
    flat = {f"{index}.{name}": part for index, parts in state.items() for name, part in parts.items()}
    snapshot.save(tmp_path / "state", flat, about={})
    read, _ = snapshot.load(tmp_path / "state")
    states: dict[int, dict[str, Tensor]] = {}
    for name, part in read.items():
        index, _, key = name.partition(".")
        states.setdefault(int(index), {})[key] = part
    resumed = [nn.Parameter(part.detach().clone()) for part in whole]
    other = module.build(resumed, recipe)
    other.load_state_dict({**other.state_dict(), "state": states})
    steps(optimizer, whole, range(2, 4))
    steps(other, resumed, range(2, 4))
    assert all(torch.equal(left, right) for left, right in zip(whole, resumed, strict=True))
