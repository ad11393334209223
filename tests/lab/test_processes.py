"""Shares, messages between processes and their gradients, each against what one process would do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.lab import processes
from repro.lab.processes import ALONE, Share
from tests.lab.several import together

ROWS = 3  # of each process
VARIABLES = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Inner:
    numbers: Tensor
    name: str


@dataclass(frozen=True)
class Outer:
    inner: Inner
    several: tuple[Tensor, tuple[Tensor, int]]
    order: tuple[int, ...]


class Named(NamedTuple):
    images: Tensor
    alpha: float


def test_the_parts_of_a_batch_are_the_batch() -> None:
    for size, count in ((1, 8), (2, 8), (4, 8), (3, 8)):  # a batch that cannot be cut into equal parts loses nothing
        parts = [Share(rank, size).part(torch.arange(count)) for rank in range(size)]
        assert torch.cat(parts).tolist() == list(range(count))
        assert max(len(part) for part in parts) - min(len(part) for part in parts) <= 1


def test_a_part_reaches_into_what_is_nested() -> None:
    whole = Outer(Inner(torch.arange(8), "name"), (torch.arange(8) + 10, (torch.arange(8) + 20, 7)), (3, 1, 2, 0))
    part = Share(rank=1, size=4).part(whole)
    assert part.inner.numbers.tolist() == [2, 3]
    assert part.inner.name == "name"
    assert part.several[0].tolist() == [12, 13]
    assert part.several[1][0].tolist() == [22, 23]
    assert part.several[1][1] == 7
    assert part.order == (3, 1, 2, 0)
    assert ALONE.part(whole) is whole
    named = Share(rank=0, size=2).part(Named(torch.arange(8), 2.0))
    assert isinstance(named, Named)
    assert named.images.tolist() == [0, 1, 2, 3]
    assert named.alpha == 2.0


def test_one_process_needs_no_other() -> None:
    rows = torch.arange(6.0)
    assert processes.share() == ALONE
    assert processes.gather(rows) is rows
    assert processes.average(rows) is rows
    assert processes.agreed(True, False) == (True, False)
    assert processes.span(5) == (5, 5)
    net = nn.Linear(2, 1)
    net(torch.ones(1, 2)).sum().backward()
    processes.average_gradients(net)
    assert net.weight.grad is not None
    assert net.weight.grad.tolist() == [[1.0, 1.0]]


def rows_and_wants(size: int) -> tuple[Tensor, Tensor]:
    """Rows of all processes, and what each process wants of each of them: size x rows x 4."""
    random = torch.Generator().manual_seed(3)
    rows = torch.randn(size * ROWS, 4, generator=random, dtype=torch.float64)
    return rows, torch.randn(size, size * ROWS, 4, generator=random, dtype=torch.float64)


def nets(rank: int) -> tuple[nn.Module, list[str]]:
    """A net of which some parameters have gradients in all processes, some in one, some in none."""
    torch.manual_seed(0)
    net = nn.ModuleDict({name: nn.Linear(2, 2) for name in ("all", "second", "none", "frozen")})
    net["image"] = nn.Conv2d(3, 2, 3).to(memory_format=torch.channels_last)
    net["frozen"].requires_grad_(False)
    given = ["all", "image", *(["second"] if rank == 1 else [])]
    for index, name in enumerate(given):
        for parameter in net[name].parameters():
            steps = torch.arange(parameter.numel(), dtype=torch.float32).view_as(parameter)
            gradient = (steps + 10 * index) * (rank + 1)
            parameter.grad = gradient.to(memory_format=torch.channels_last) if gradient.ndim == 4 else gradient
    return net, given


def gathering(rank: int) -> dict[str, Any]:
    size = dist.get_world_size()
    rows, wants = rows_and_wants(size)
    own = processes.share().part(rows).requires_grad_()
    everything = processes.gather(own)
    (everything.square() * wants[rank]).sum().backward()
    turned = torch.arange(8).view(4, 2).T + 100 * rank  # not contiguous
    image = (torch.arange(24.0).view(2, 3, 2, 2) + 100 * rank).to(memory_format=torch.channels_last)
    constant = torch.ones(2, requires_grad=True)
    processes.gather(constant).sum().backward()  # its gradient is one number expanded
    return {
        "share": processes.share(),
        "rows": everything.detach(),
        "gradient": own.grad,
        "turned": processes.gather(turned),
        "image": processes.gather(image),
        "flags": processes.gather(torch.tensor([rank == 0])),
        "constant": constant.grad,
    }


def deciding(rank: int) -> dict[str, Any]:
    net, _ = nets(rank)
    processes.average_gradients(net)
    value = torch.tensor(float(rank), dtype=torch.float64)
    return {
        "gradients": {name: parameter.grad for name, parameter in net.named_parameters()},
        "average": (processes.average(value), value),
        "agreed": (processes.agreed(rank == 1, False, True), processes.agreed(rank == 0)),
        "span": processes.span(7 - 3 * rank),
    }


def failing(rank: int, fault: Exception) -> str:
    """The second process fails while the first waits for it."""
    begun = time.monotonic()
    try:
        with processes.joined("cpu"):
            processes.agreed(True)
            if rank == 1:
                raise fault
            processes.gather(torch.ones(2))
    except (JobFailed, RuntimeError) as end:
        assert not dist.is_initialized()
        assert time.monotonic() - begun < 20
        return f"{type(end).__name__}: {end}"
    return "waited for nothing"


def work(rank: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with processes.joined("cpu"):
        found["gathering"] = gathering(rank)
        with processes.joined("cpu"):  # joined already
            found["deciding"] = deciding(rank)
        assert dist.is_initialized()
    assert not dist.is_initialized()
    found["failing"] = [failing(rank, fault) for fault in (JobFailed("no more"), RuntimeError("a bug"))]
    with processes.joined("cpu"):  # whatever went before
        found["again"] = processes.gather(torch.tensor([rank]))
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return together(work, tmp_path_factory.mktemp("two"))


def test_gathered_rows_are_in_the_order_of_the_processes(found: Any) -> None:
    rows, _ = rows_and_wants(2)
    for rank in (0, 1):
        part = found[rank]["gathering"]
        assert part["share"] == Share(rank, 2)
        assert torch.equal(part["rows"], rows)
        assert torch.equal(part["turned"], torch.cat([torch.arange(8).view(4, 2).T + 100 * other for other in (0, 1)]))
        assert torch.equal(part["image"], torch.cat([torch.arange(24.0).view(2, 3, 2, 2) + 100 * k for k in (0, 1)]))
        assert part["flags"].tolist() == [True, False]


def test_gathered_rows_give_each_process_what_all_want_of_its_rows(found: Any) -> None:
    rows, wants = rows_and_wants(2)
    expected = 2 * rows * wants.sum(0)  # of the sum of the losses of both
    for rank in (0, 1):
        own = expected[rank * ROWS : (rank + 1) * ROWS]
        torch.testing.assert_close(found[rank]["gathering"]["gradient"], own, rtol=0, atol=1e-12)
        assert found[rank]["gathering"]["constant"].tolist() == [2.0, 2.0]


def test_gradients_are_averaged_and_one_that_a_process_lacks_counts_as_none(found: Any) -> None:
    for rank in (0, 1):
        gradients = found[rank]["deciding"]["gradients"]
        for name, gradient in gradients.items():
            which = name.split(".")[0]
            if which in {"none", "frozen"}:
                assert gradient is None
                continue
            steps = torch.arange(gradient.numel(), dtype=torch.float32).view_as(gradient)
            index = ["all", "image", "second"].index(which)
            both = [(steps + 10 * index) * (other + 1) for other in (0, 1)]
            expected = both[1] / 2 if which == "second" else (both[0] + both[1]) / 2
            assert torch.equal(gradient, expected), name
    assert found[0]["deciding"]["gradients"]["image.weight"].is_contiguous(memory_format=torch.channels_last)


def test_processes_agree(found: Any) -> None:
    for rank in (0, 1):
        deciding = found[rank]["deciding"]
        assert deciding["agreed"] == ((True, False, True), (True,))
        assert deciding["span"] == (4, 7)
        average, value = deciding["average"]
        assert float(average) == 0.5
        assert float(value) == rank  # left as it was


def test_where_one_process_fails_the_other_does_not_wait_and_both_can_join_again(found: Any) -> None:
    lost = "JobFailed: process 0 of 2 lost another one, or waited 10 minutes for it; the log of that one says why"
    assert found[0]["failing"] == [lost, lost]
    assert found[1]["failing"] == ["JobFailed: no more", "RuntimeError: a bug"]
    assert [part["again"].tolist() for part in found] == [[0, 1], [0, 1]]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("variables", [{}, {"WORLD_SIZE": ""}, {"WORLD_SIZE": "1", "RANK": "0"}])
def test_a_process_alone_joins_nobody(variables: dict[str, str], bare: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        bare.setenv(name, value)
    with processes.joined("cuda"):
        assert not dist.is_initialized()


def told(device: str) -> str:
    with pytest.raises(JobFailed) as caught, processes.joined(device):
        pass
    assert not dist.is_initialized()
    return str(caught.value)


def test_an_environment_that_is_not_torchruns_is_told(bare: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "one", "MASTER_PORT": "29500"}.items():
        bare.setenv(name, value)
    assert told("cpu") == (
        "WORLD_SIZE is 2, so this is to be one of several processes, but these are not set as torchrun sets them: "
        "RANK, LOCAL_RANK, MASTER_ADDR; start the processes with torchrun, or unset WORLD_SIZE"
    )


def test_a_process_without_a_card_is_told(bare: pytest.MonkeyPatch) -> None:
    for name, value in zip(VARIABLES, ("4", "3", "3", "127.0.0.1", "29500"), strict=True):
        bare.setenv(name, value)
    bare.setattr(torch.cuda, "device_count", lambda: 2)
    assert told("cuda") == (
        "process 3 of this machine, counted from 0, has no graphics card of its own: there are 2; start as many "
        "processes as there are cards, or choose --device cpu"
    )


def test_a_process_whose_first_one_never_comes_is_told(bare: pytest.MonkeyPatch) -> None:
    for name, value in zip(VARIABLES, ("2", "1", "1", "127.0.0.1", "9"), strict=True):
        bare.setenv(name, value)
    bare.setattr(processes, "_PATIENCE", processes.timedelta(seconds=1))
    start, _, reason = told("cpu").partition(" (")
    assert start == "process 1 of 2 found no way to the others at 127.0.0.1:9"
    assert reason.endswith(")")


@pytest.mark.parametrize(
    ("batch", "groups", "message"),
    [
        (16, 1, "training.batch: a batch of 16 cannot be cut into 3 equal parts, one a process"),
        (
            18,
            2,
            "method.shuffle_groups: 2 groups cannot be shared out evenly among 3 processes; start as many processes "
            "as divide it",
        ),
    ],
)
def test_what_cannot_be_shared_out_is_told(
    batch: int, groups: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes.check(batch=batch, groups=groups)  # one process can
    monkeypatch.setattr(processes, "share", lambda: Share(0, 3))
    processes.check(batch=18, groups=1)
    processes.check(batch=18, groups=6)
    with pytest.raises(JobFailed) as caught:
        processes.check(batch=batch, groups=groups)
    assert str(caught.value) == message
