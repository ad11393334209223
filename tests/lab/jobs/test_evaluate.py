"""One pass evaluates several networks: what it leaves, that nothing changes that, and what it does when things fail."""

from __future__ import annotations

import copy
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from repro.errors import DataMissing, JobFailed
from repro.lab import data, encoder, parts, probing, snapshot
from repro.lab.evaluators import accuracy, corruption
from repro.lab.images import reading
from repro.lab.jobs import Context, Outcome, Stopped, evaluate
from repro.lab.jobs.evaluate import Task
from repro.lab.nets import small
from repro.lab.recipes import build

CLASSES = ("rows", "columns")
CONDITIONS = tuple(f"{name}/{severity}" for name in ("fog", "snow") for severity in range(1, 6))
CONTEXT = Context(device="cpu")


def write_network(recipe: Any, root: Path, *, seed: int, classes: tuple[str, ...] = CLASSES) -> None:
    """A network with random weights in `root`, and a random probe that says each class of about half the images."""
    network = small.build(build(small.Recipe, recipe["net"]), seed=seed).eval()
    snapshot.save(root / "pretrain" / encoder.FILE, network.state_dict(), about={})
    random = torch.Generator().manual_seed(seed)
    features = encoder.seen(network, torch.randn(64, 3, 16, 16, generator=random), precision="fp32")
    weight = torch.randn(len(classes), network.feature_size, generator=random)
    (root / "probe").mkdir(exist_ok=True)
    probing.Classifier(weight, -weight @ features.mean(0)).save(root / "probe", classes=classes)


@pytest.fixture
def world(recipe: Any, images: data.Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four networks, 70 images with a superclass and as 10 conditions; parts of 16 images and chunks of 8."""
    monkeypatch.setattr(parts, "SIZE", 16)
    monkeypatch.setattr(encoder, "_MANY", 8)
    for seed in range(4):
        write_network(recipe, tmp_path / f"net{seed}", seed=seed)
    data.write(replace(images, parents=(0, -1), parent_names=("lines",)), tmp_path / "data")
    data.write(replace(images, condition=np.arange(70) // 7, conditions=CONDITIONS), tmp_path / "corrupted")
    return tmp_path


@pytest.fixture
def ask(world: Path, recipe: Any) -> Callable[..., Task]:
    """A task of a network, by number."""

    def task(net: int, into: str, **more: Any) -> Task:
        groups = {"net": recipe["net"], "views": recipe["views"]}
        groups["evaluation"] = {"precision": more.get("precision", "fp32")}
        spec = {"evaluator": more.get("evaluator", "accuracy"), "recipe": groups, "limit": more.get("limit")}
        inputs = {role: world / f"net{net}" / role for role in ("pretrain", "probe")}
        inputs["data"] = world / more.get("on", "data")
        return copy.deepcopy(Task(spec, inputs, world / "out" / into))

    return task


Ask = Callable[..., Task]


def do(*tasks: Task, context: Context = CONTEXT) -> list[Outcome | Exception]:
    """What came of each task, in their order."""
    found = {task.folder: outcome for task, outcome in evaluate.together(tasks, context)}
    return [found[task.folder] for task in tasks]


def values(outcome: Outcome | Exception) -> dict[str, Any]:
    assert isinstance(outcome, Outcome), outcome
    assert outcome.files == ["predictions.npz"]
    return outcome.values


def left(task: Task) -> dict[str, str]:
    """Every file of a task's folder, by its hash."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in task.folder.iterdir()}


def test_networks_together_leave_what_each_leaves_alone(ask: Ask) -> None:
    kinds = [
        {"net": 0},
        {"net": 0, "evaluator": "fine_coarse"},
        {"net": 1},
        {"net": 2, "precision": "bf16"},
        {"net": 3, "limit": None},
    ]
    alone = [ask(into=f"alone{number}", **kind) for number, kind in enumerate(kinds)]
    apart = [values(do(task)[0]) for task in alone]
    company = [ask(into=f"company{number}", **kind) for number, kind in enumerate(kinds)]
    assert [values(outcome) for outcome in do(*company)] == apart
    assert [left(task) for task in company] == [left(task) for task in alone]
    assert all(set(left(task)) == {"predictions.npz"} for task in company)
    assert len({left(task)["predictions.npz"] for task in company}) == 5  # they are not all the same
    assert [value["images"] for value in apart] == [70] * 5
    assert apart[1]["n"] == 35


def test_each_image_is_decoded_once_and_shown_to_each_network_once(
    world: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    random, names = np.random.default_rng(1), [f"{index:02}.png" for index in range(30)]
    for name in names:
        (world / "tree").mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, (16, 20, 3)).astype(np.uint8)).save(world / "tree" / name)
    sizes = np.array([(world / "tree" / name).stat().st_size for name in names])
    files = data.Files(world / "tree", np.array(names), sizes, resize=0, pixels=16)
    labels = np.arange(30, dtype=np.int64) % 2
    data.write(data.Images(files, labels, CLASSES, parents=(0, -1), parent_names=("lines",)), world / "files")
    opened: Counter[str] = Counter()
    open_, see = reading.opened, encoder.seen
    looked: Counter[int] = Counter()

    def counted(path: str) -> Any:
        opened[Path(path).name] += 1
        return open_(path)

    def watched(network: Any, images: Any, *, precision: str) -> Any:
        looked[id(network)] += len(images)
        return see(network, images, precision=precision)

    monkeypatch.setattr(reading, "opened", counted)
    monkeypatch.setattr(encoder, "seen", watched)
    tasks = [
        ask(net, f"{kind}{net}", evaluator=kind, on="files")
        for net in (0, 1, 2)
        for kind in ("accuracy", "fine_coarse")
    ]
    found = [values(outcome) for outcome in do(*tasks)]
    assert [value["images"] for value in found] == [30] * 6
    assert opened == dict.fromkeys(names, 1)
    assert sorted(looked.values()) == [30, 30, 30]
    shown = [values(outcome) for outcome in do(ask(0, "loaders", on="files"), context=Context("cpu", loaders=2))]
    assert shown == [found[0]]


class Watch:
    """A context that asks to stop once so many images are done, and remembers what it was told."""

    def __init__(self, *, after: int) -> None:
        self.done: list[int] = []
        self.after = after
        self.context = Context(device="cpu", progress=self.progress, stopping=self.stopping)

    def progress(self, done: int, total: int, unit: str) -> None:
        assert (total, unit) == (70, "images")
        self.done.append(done)

    def stopping(self) -> bool:
        return bool(self.done) and self.done[-1] >= self.after


@pytest.fixture
def stopped(ask: Ask) -> tuple[list[Task], list[dict[str, str]]]:
    """Three tasks stopped at 56 of 70 images, within the fourth part; and what they leave undisturbed."""
    whole = [ask(net, f"whole{net}") for net in range(3)]
    do(*whole)
    tasks = [ask(net, f"cut{net}") for net in range(3)]
    with pytest.raises(Stopped, match=r"^stopped after 56 of 70 images$"):
        do(*tasks, context=Watch(after=56).context)
    stored = [f"part-000{part}.safetensors" for part in range(3)]
    assert [sorted(left(task)) for task in tasks] == [stored] * 3
    return tasks, [left(task) for task in whole]


def test_what_is_stopped_goes_on_with_the_part_that_was_in_hand(stopped: Any) -> None:
    tasks, expected = stopped
    watch = Watch(after=1000)
    assert [value["images"] for value in map(values, do(*tasks, context=watch.context))] == [70] * 3
    assert watch.done == [56, 64, 70]  # from image 48 on
    assert [left(task) for task in tasks] == expected


def test_what_is_stopped_may_go_on_in_other_company(stopped: Any, ask: Ask) -> None:
    tasks, expected = stopped
    (tasks[1].folder / "part-0000.safetensors").unlink()
    watch = Watch(after=1000)
    other = ask(3, "other")
    do(tasks[1], context=watch.context)
    assert watch.done == [8, 16, 56, 64, 70]
    do(tasks[2], other, tasks[0])
    assert [left(task) for task in tasks] == expected
    apart = ask(3, "apart")
    do(apart)
    assert left(other) == left(apart)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def swap(path: Path) -> None:
    """For the next part of the same job."""
    other = path.with_name("part-0002.safetensors")
    first, second = path.read_bytes(), other.read_bytes()
    path.write_bytes(second)
    other.write_bytes(first)


def take(path: Path) -> None:
    """From another job."""
    path.write_bytes((path.parents[1] / "cut2" / path.name).read_bytes())


@pytest.mark.parametrize(("damage", "again"), [(flip, 1), (cut, 1), (empty, 1), (swap, 2), (take, 1)])
def test_a_part_that_is_damaged_or_anothers_is_done_again(stopped: Any, damage: Any, again: int) -> None:
    tasks, expected = stopped
    damage(tasks[0].folder / "part-0001.safetensors")
    watch = Watch(after=1000)
    do(*tasks, context=watch.context)
    assert len(watch.done) == 3 + 2 * again
    assert [left(task) for task in tasks] == expected


def test_parts_of_a_network_that_has_changed_since_are_done_again(stopped: Any, recipe: Any, world: Path) -> None:
    tasks, expected = stopped
    write_network(recipe, world / "net0", seed=7)
    watch = Watch(after=1000)
    do(*tasks, context=watch.context)
    assert watch.done == [*range(8, 65, 8), 70]
    assert left(tasks[0]) != expected[0]
    assert [left(task) for task in tasks[1:]] == expected[1:]


def test_all_that_is_left_may_be_to_conclude(stopped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks, expected = stopped

    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(accuracy, "conclude", full)
        assert all(isinstance(outcome, OSError) for outcome in do(*tasks))
    watch = Watch(after=1000)
    do(*tasks, context=watch.context)
    assert watch.done == []
    assert [left(task) for task in tasks] == expected


def test_a_network_that_fails_fails_alone(ask: Ask, recipe: Any, world: Path) -> None:
    good = [ask(net, f"alone{net}") for net in (0, 3)]
    do(*good)
    path = world / "net1" / "pretrain" / encoder.FILE
    tensors, _ = snapshot.load(path)
    snapshot.save(path, {name: tensor * float("nan") for name, tensor in tensors.items()}, about={})
    write_network(recipe, world / "net2", seed=2, classes=("rows", "crosses"))
    strange = ask(0, "strange")
    strange.spec["recipe"]["net"]["widths"] = [8, 8]
    absent = ask(0, "absent", evaluator="corruption")
    tasks = [ask(0, "first"), ask(1, "nan"), ask(2, "classes"), strange, absent, ask(3, "last")]
    ended: list[str] = []
    found = {}
    for task, outcome in evaluate.together(tasks, CONTEXT):
        ended.append(task.folder.name)
        found[task.folder.name] = outcome
    assert ended == ["strange", "absent", "nan", "classes", "first", "last"]  # a fault is told as soon as it is known
    sentences = {name: str(fault) for name, fault in found.items() if isinstance(fault, JobFailed)}
    assert sentences == {
        "nan": "the encoder's features are no numbers on these images, so there is nothing to evaluate",
        "classes": "the classifier has no class 'columns', nor 0 others of the images' 2; evaluate with a probe "
        "trained on these classes",
        "absent": "the images carry no condition such as gaussian_noise/3, so they are no corrupted set",
    }
    assert isinstance(found["strange"], DataMissing)
    assert [left(tasks[place]) for place in (0, -1)] == [left(task) for task in good]


def test_where_every_network_has_failed_no_more_is_read(ask: Ask, recipe: Any, world: Path) -> None:
    write_network(recipe, world / "net2", seed=2, classes=("rows", "crosses"))
    watch = Watch(after=1000)
    [fault] = do(ask(2, "classes"), context=watch.context)
    assert isinstance(fault, JobFailed)
    assert watch.done == [8]


def test_a_picture_that_cannot_be_read_ends_the_pass(ask: Ask, world: Path) -> None:
    (world / "tree").mkdir()
    for index in range(9):
        Image.new("RGB", (16, 16)).save(world / "tree" / f"{index}.png")
    (world / "tree" / "8.png").write_bytes(b"")
    files = data.Files(world / "tree", np.array([f"{i}.png" for i in range(9)]), np.full(9, 75), resize=0, pixels=16)
    data.write(data.Images(files, np.zeros(9, np.int64), CLASSES), world / "files")
    with pytest.raises(reading.Unreadable) as caught:
        do(ask(0, "a", on="files"), ask(1, "b", on="files"))
    assert caught.value.path == world / "tree" / "8.png"


def test_a_set_without_images_is_told(ask: Ask, world: Path) -> None:
    none = data.Images(np.zeros((0, 3, 16, 16), np.uint8), np.zeros(0, np.int64), CLASSES)
    data.write(none, world / "empty")
    [fault] = do(ask(0, "a", on="empty"))
    assert isinstance(fault, JobFailed)
    assert str(fault) == "the set has no images, so there is nothing to evaluate"


def test_conditions_and_a_limit_with_several_networks(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second network is judged by the first one's errors, so that its mCE is the ratio of their sums."""
    tasks = [ask(net, f"corruption{net}", evaluator="corruption", on="corrupted", limit=30) for net in (0, 1)]
    first, second = map(values, do(*tasks))
    assert first["n"] == first["images"] == 30
    with np.load(tasks[0].folder / "predictions.npz") as kept:
        assert np.bincount(kept["condition"]).tolist() == [3] * 10
        wrong = (kept["predictions"] != kept["labels"]).reshape(10, 3).mean(axis=1)
    assert [error for name in ("fog", "snow") for error in first["errors"][name]] == pytest.approx(100 * wrong)
    judged = ask(1, "judged", evaluator="corruption", on="corrupted", limit=30)
    judged.inputs["reference"] = tasks[0].folder
    judged.spec["reference"] = "table1/supervised"
    [found] = map(values, do(judged))
    ratios = [sum(second["errors"][name]) / sum(first["errors"][name]) for name in ("fog", "snow")]
    assert found["mce"] == pytest.approx(100 * sum(ratios) / 2)
    assert {**found, "mce": 0} == {**second, "mce": 0}


def test_metrics_come_from_the_stored_columns_alone(ask: Ask) -> None:
    from repro.lab import evaluation

    tasks = [ask(0, "a"), ask(0, "b", evaluator="fine_coarse")]
    for task, outcome in zip(tasks, do(*tasks), strict=True):
        columns, about = evaluation.read(task.folder)
        module = evaluate.member("evaluators", task.spec["evaluator"])
        assert {**module.conclude(columns, about), "images": 70} == values(outcome)
        assert all(column.itemsize <= 2 and len(column) == 70 for column in columns.values())
    task = ask(0, "c", evaluator="corruption", on="corrupted")
    [outcome] = do(task)
    assert {**corruption.conclude(*evaluation.read(task.folder)), "images": 70} == values(outcome)
