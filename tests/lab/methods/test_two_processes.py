"""Every method in two processes, each with half of every batch, against one process with the whole."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from repro.lab import methods, processes
from repro.lab.batch import Batch, Negative, Setting
from repro.lab.blocks import norm
from repro.lab.blocks.momentum import embed, embed_shuffled
from repro.lab.nets import small, small_pair
from tests.lab.blocks.test_momentum import Company, pictures, read
from tests.lab.several import together

BATCH, STEPS, IMAGES, PIXELS = 8, 4, 64, 12
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
NET = {"widths": (6,), "strides": (1,), "stem_kernel": 3, "stem_stride": 2, "outputs": 6, "hidden": 8}
MOCO = {"queue": 24, "momentum": 0.9, "temperature": 0.2, "shuffle_groups": 1}
FNC = {"temperature": 0.3, "support_size": 1, "topk": 3, "threshold": 0.2}
BANK = {"samples": 10, "momentum": 0.5, "temperature": 0.1, "loss": "softmax"}
RECIPES: dict[str, list[dict[str, Any]]] = {  # of each method one or more, all fields but those of other tests' concern
    "moco": [MOCO],
    "ifm": [MOCO | {"epsilon": 0.1, "weight": 1.0}],
    "mochi": [MOCO | {"hardest": 10, "between_negatives": 4, "with_query": 3, "warmup_epochs": 1}],
    "infomin": [MOCO | {"jigsaw_weight": 0.5, "jigsaw_grid": 2, "jigsaw_piece": 5}],
    "simclr": [{"temperature": 0.5}],
    "debiased": [{"temperature": 0.5, "tau_plus": 0.1}],
    "hard": [{"temperature": 0.5, "tau_plus": 0.1, "beta": 1.0}],
    "fnc": [FNC | {"strategy": strategy} for strategy in ("eliminate", "attract")],
    "fnc_queue": [
        FNC | {"strategy": strategy, "queue": 48, "momentum": 0.9, "support_size": 0}
        for strategy in ("eliminate", "attract")
    ],
    "byol": [{"momentum": 0.9, "predictor_hidden": 8}],
    "insdis": [BANK],
    "cmc": [BANK],
    "supervised": [{}],
}


@dataclass(frozen=True)
class Case:
    """A method, its recipe, and into how many groups of own batch statistics it cuts a batch."""

    name: str
    recipe: dict[str, Any]
    groups: int

    @property
    def title(self) -> str:
        strategy = self.recipe.get("strategy")
        return f"{self.name}{f' {strategy}' if strategy else ''}, {self.groups} group{'s' if self.groups > 1 else ''}"


def cases() -> list[Case]:
    """Each recipe with synchronised batch statistics, and with those of each process where the method shuffles."""
    found = []
    for name, recipes in RECIPES.items():
        for recipe in recipes:
            found.append(Case(name, recipe, 1))
            if "shuffle_groups" in recipe:
                found.append(Case(name, recipe | {"shuffle_groups": 2}, 2))
    return found


CASES = {case.title: case for case in cases()}


def test_every_method_has_a_case() -> None:
    assert {module.name for module in pkgutil.iter_modules(methods.__path__)} == set(RECIPES)
    for case in CASES.values():
        module = importlib.import_module(f"repro.lab.methods.{case.name}")
        assert {field.name for field in dataclasses.fields(module.Recipe)} == set(case.recipe)


REFUSING = ("insdis", "cmc", "supervised")
"""Methods whose losses have no place for non-semantic negatives."""


@contextmanager
def double() -> Iterator[None]:
    """Embeddings that a method widens to float32 stay float64, so that nothing but the order of sums differs."""
    kept = Tensor.float
    Tensor.float = Tensor.double  # type: ignore[method-assign]
    try:
        yield
    finally:
        Tensor.float = kept  # type: ignore[method-assign]


def whole(step: int, views: int) -> Batch:
    """A step's images, those of all processes."""
    random = Generator().manual_seed(step)

    def images() -> Tensor:
        return torch.randn(BATCH, 3, PIXELS, PIXELS, generator=random, dtype=torch.float64)

    negatives = (Negative(images(), 2.0), Negative(images(), 3.0))
    places = torch.randperm(IMAGES, generator=random)[:BATCH]
    return Batch(tuple(images() for _ in range(views)), negatives, places, places % 3, step)


def build(case: Case) -> nn.Module:
    net = small_pair if case.name == "cmc" else small
    encoder = net.build(net.Recipe(**NET, head_norm=True), seed=0)
    module = importlib.import_module(f"repro.lab.methods.{case.name}")
    setting = Setting(batch=BATCH, images=IMAGES, classes=3, epoch_steps=2, steps=STEPS, seed=0)
    method = module.build(module.Recipe(**case.recipe), encoder, setting=setting)
    assert method.groups == case.groups
    processes.check(batch=BATCH, groups=method.groups)
    if method.groups == 1:
        method = norm.synchronise(method, device="cpu")
    return method.double().train()


def train(case: Case) -> dict[str, Any]:
    """Some steps as the job makes them, without its views and its files."""
    method = build(case)
    trained = [parameter for parameter in method.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.2, momentum=0.9, weight_decay=1e-3)
    losses = []
    for step in range(STEPS):
        batch = processes.share().part(whole(step, method.views))
        batch = replace(batch, negatives=()) if case.name in REFUSING else batch
        loss = method(batch, generator=Generator().manual_seed(100 + step))
        optimizer.zero_grad()
        loss.backward()
        processes.average_gradients(method)
        optimizer.step()
        losses.append(float(processes.average(loss.detach())))
    return {"losses": losses, "state": method.state_dict()}


def work(_rank: int) -> dict[str, Any]:
    with processes.joined("cpu"), double():
        return {"company": company(), **{title: train(case) for title, case in CASES.items()}}


def company() -> dict[str, Tensor]:
    """What this process's images show, what their companions show as queries, and both of them as keys."""
    shown = processes.share().part(pictures(16, 0).double())
    _, of_queries = read(embed(Company(), shown, groups=2))
    own, of_keys = read(embed_shuffled(Company(), shown, groups=2, generator=Generator().manual_seed(3)))
    return {"queries": of_queries, "own": own, "keys": of_keys}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return together(work, tmp_path_factory.mktemp("two"))


@pytest.mark.parametrize("title", CASES)
def test_two_processes_do_what_one_does(title: str, found: Any) -> None:
    """Losses, parameters, queues, banks and targets; running statistics too where they are those of the whole batch."""
    case = CASES[title]
    with double():
        expected = train(case)
    begun = build(case).state_dict()
    assert any(not torch.equal(value, begun[name]) for name, value in expected["state"].items())
    compared = [name for name in begun if case.groups == 1 or name.rpartition(".")[2] not in STATISTICS]
    for part in found:
        assert part[title]["losses"] == pytest.approx(expected["losses"], rel=1e-9)
        for name in compared:
            torch.testing.assert_close(part[title]["state"][name], expected["state"][name], rtol=1e-9, atol=1e-9)
    assert found[0][title]["losses"] == found[1][title]["losses"]
    for name in compared:
        assert torch.equal(found[0][title]["state"][name], found[1][title]["state"][name]), name


@pytest.mark.parametrize("name", [name for name, recipes in RECIPES.items() if "shuffle_groups" in recipes[0]])
def test_statistics_of_a_process_are_not_those_of_the_whole_batch(name: str, found: Any) -> None:
    """Else the comparison above would not see which of the two was taken."""
    one, two = (found[0][f"{name}, {groups}"]["losses"] for groups in ("1 group", "2 groups"))
    assert abs(one[0] - two[0]) > 1e-3


def test_the_shuffle_gives_keys_companions_of_both_processes_and_each_process_its_own_rows(found: Any) -> None:
    """The company of queries is their process; that of keys is a random half of the step's images."""
    shown = pictures(16, 0)[:, 0, 0, 0].double().tolist()
    order = torch.randperm(16, generator=Generator().manual_seed(3)).tolist()
    halves = [order[:8], order[8:]]
    means = [sum(shown[member] for member in half) / 8 for half in halves]
    for rank in (0, 1):
        mine, part = range(rank * 8, rank * 8 + 8), found[rank]["company"]
        assert part["own"].tolist() == pytest.approx([shown[member] for member in mine], rel=1e-12)
        assert part["queries"].tolist() == pytest.approx([sum(shown[member] for member in mine) / 8] * 8, rel=1e-12)
        expected = [means[0] if member in halves[0] else means[1] for member in mine]
        assert part["keys"].tolist() == pytest.approx(expected, rel=1e-12)
        assert len(set(expected)) == 2
