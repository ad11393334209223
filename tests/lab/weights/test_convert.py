"""Every tensor of a file is used or named; what does not fit is told by its names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from repro.errors import DataMissing, JobFailed
from repro.files import file_digest
from repro.lab import encoder, probing, snapshot
from repro.lab.nets import resnet50_pair, small
from repro.lab.recipes import build, member
from repro.lab.weights import recognise
from tests.lab.weights.conftest import NET, Taker, moco, thin, trained

Save = Callable[..., Path]
SMALL = {"name": "small", "widths": [8, 16], "strides": [1, 2], "stem_kernel": 3, "stem_stride": 2, "outputs": 8}
SMALL |= {"hidden": 16, "head_norm": True}
PAIR = {"name": "resnet50_pair", "width": 0.125, "outputs": 8}
THIN = "ResNet-50 (blocks 0.0625 times as wide)"
UNFIT = (
    f"recognised as moco-pretrain (a MoCo pretraining: {THIN} with an MLP head of 2 layers), and it does not fit the "
)
MEND = "use it for a row whose net it is, or change [recipe.net]"


@pytest.fixture
def state() -> dict[str, Tensor]:
    """Of a cleaned MoCo-v2 file."""
    net = trained(moco(thin(), hidden=2048))
    return {f"module.encoder_q.{name}": part for name, part in net.state_dict().items()}


def failure(take: Taker, path: Path, *, kind: type[Exception] = JobFailed, **other: Any) -> str:
    """The whole sentence, without the file's name in front of it."""
    with pytest.raises(kind) as caught:
        take(path, **other)
    assert str(caught.value).startswith(f"{path}: ")
    assert not (take.root / "taken").exists()
    return str(caught.value).removeprefix(f"{path}: ")


def test_tensors_that_are_missing_left_over_or_of_another_shape(
    state: dict[str, Tensor], save: Save, take: Taker
) -> None:
    start = "module.encoder_q."
    for name in ("bn1.bias", "bn1.running_var", "layer1.0.bn1.num_batches_tracked"):
        del state[start + name]
    state |= {"module.pooled": torch.ones(3), f"{start}layer5.weight": torch.ones(3)}
    state[f"{start}conv1.weight"] = torch.ones(64, 3, 3, 3)
    around = {"teacher": {"weight": torch.ones(2, 2)}, "best_acc1": torch.tensor(3.0)}
    assert failure(take, save({"state_dict": state, **around})) == (
        f"{UNFIT}recipe's net resnet50: 2 missing (backbone.bn1.bias, backbone.bn1.running_var); 3 left over "
        f"({start}layer5.weight, module.pooled, teacher); 1 of another shape ({start}conv1.weight: expected 64 x 3 x "
        f"7 x 7, found 64 x 3 x 3 x 3); {MEND}"
    )


def test_many_names_are_counted(state: dict[str, Tensor], save: Save, take: Taker) -> None:
    kept = {name: part for name, part in state.items() if ".layer4." not in name}
    found = failure(take, save({"state_dict": kept}))
    names = [f"backbone.layer4.0.{name}" for name in ("conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean")]
    told = ", ".join([*names, "backbone.layer4.0.bn1.running_var"])
    assert found == (
        f"recognised as moco-pretrain (a MoCo pretraining: ResNet of 3+4+6+0 bottleneck blocks with an MLP head of 2 "
        f"layers), and it does not fit the recipe's net resnet50: 50 missing ({told} and 45 more); {MEND}"
    )


def test_a_head_that_is_not_the_rows(state: dict[str, Tensor], save: Save, take: Taker) -> None:
    """An error where the file is said to be the row's; a user's own network does without."""
    path, net = save({"state_dict": state}), NET | {"head": "linear"}
    start = "module.encoder_q.fc."
    unfit = "2 missing (head.weight, head.bias); 4 left over ("
    unfit += ", ".join(f"{start}{name}" for name in ("0.weight", "0.bias", "2.weight", "2.bias")) + ")"
    assert failure(take, path, recipe={"net": net}) == f"{UNFIT}recipe's net resnet50: {unfit}; {MEND}"
    take.said.clear()
    values = take(path, recipe={"net": net}, layout=None)
    assert values["head"] is False
    assert take.said[1:] == [
        f"{path}: its projection head is left out, as it is not that of the recipe: {unfit}",
        f"{path}: it has no projection head, so no similarities can be measured",
    ]
    assert snapshot.load(take.root / "taken" / encoder.FILE)[1]["without"] == ["head."]


def test_another_network_than_the_recipes(state: dict[str, Tensor], save: Save, take: Taker) -> None:
    found = failure(take, save({"state_dict": state}), recipe={"net": SMALL})
    assert found.startswith(f"{UNFIT}recipe's net small: ")
    assert " missing (stem.0.weight, stem.1.weight, " in found
    assert " left over (module.encoder_q.conv1.weight, module.encoder_q.bn1.weight, " in found


def test_counters_that_old_files_do_not_have(state: dict[str, Tensor], save: Save, take: Taker) -> None:
    kept = {name: part for name, part in state.items() if not name.endswith("num_batches_tracked")}
    path = save({"state_dict": kept})
    take(path)
    assert take.said[1:] == [f"{path}: 53 num_batches_tracked are absent and set to 0"]
    ours = encoder.load(take.root / "taken", NET, device="cpu").state_dict()
    assert all(int(part) == 0 for name, part in ours.items() if name.endswith("num_batches_tracked"))


@pytest.mark.parametrize(("kind", "word"), [("float16", "fp16"), ("bfloat16", "bf16"), ("float64", "fp64")])
def test_other_precisions_are_converted_and_told(
    kind: str, word: str, state: dict[str, Tensor], save: Save, take: Taker
) -> None:
    other = {n: part.to(getattr(torch, kind)) if part.is_floating_point() else part for n, part in state.items()}
    path = save({"state_dict": other})
    take(path)
    assert take.said[1:] == [f"{path}: 269 tensors are {word} and were converted to fp32"]
    tensors, _ = snapshot.load(take.root / "taken" / encoder.FILE)
    assert {part.dtype for part in tensors.values()} == {torch.float32, torch.int64}
    name = "layer4.2.conv3.weight"
    assert torch.equal(tensors[f"backbone.{name}"], other[f"module.encoder_q.{name}"].float())


def test_numbers_that_are_none(state: dict[str, Tensor], save: Save, take: Taker) -> None:
    state["module.encoder_q.bn1.weight"][3] = float("nan")
    state["module.encoder_q.fc.2.bias"][0] = float("inf")
    assert failure(take, save({"state_dict": state})) == (
        "expected numbers, found NaN or infinity in 2 tensors (module.encoder_q.bn1.weight, module.encoder_q.fc.2.bias)"
        "; the training that left them broke down, or the file is damaged"
    )


def test_whole_numbers_in_place_of_weights(state: dict[str, Tensor], save: Save, take: Taker) -> None:
    name = "module.encoder_q.conv1.weight"
    state[name] = state[name].to(torch.int8)
    assert failure(take, save({"state_dict": state})) == (
        f"expected floating point numbers, found 1 tensors of others ({name}: int8)"
    )


def test_two_networks_under_names_that_nobody_knows(save: Save, take: Taker) -> None:
    net = thin().state_dict()
    both = {f"{prefix}.{name}": part for prefix in ("student", "teacher") for name, part in net.items()}
    assert failure(take, save({"state_dict": both}), kind=DataMissing) == (
        "expected the names of a layout that docs/weights.md lists, found 640 tensors of none (student.conv1.weight, "
        "student.bn1.weight, student.bn1.bias, student.bn1.running_mean, student.bn1.running_var and 635 more); rename "
        "them to torchvision's"
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            {"epoch": 3, "weights": {"a": torch.ones(2)}},
            "expected tensors at the top or under state_dict, model or classifier, found none there; its entries are "
            "epoch, weights",
        ),
        (
            {},
            "expected tensors at the top or under state_dict, model or classifier, found none there; its entries "
            "are none",
        ),
        (
            {"state_dict": {"a": torch.ones(2), "b": 3, "c": [1]}},
            "expected tensors alone among those of the network, found 2 other entries (b, c); remove them",
        ),
    ],
)
def test_files_without_a_network(content: Any, sentence: str, save: Save) -> None:
    path = save(content)
    with pytest.raises(DataMissing) as caught:
        recognise.describe(path)
    assert str(caught.value) == f"{path}: {sentence}"


def test_a_classifier_in_place_of_an_encoder(save: Save, take: Taker) -> None:
    path = save({"classifier": {"module.weight": torch.ones(3, 8), "module.bias": torch.ones(3)}})
    assert failure(take, path) == (
        "a classifier alone, of 3 classes on 8 features: it holds a classifier and no encoder; name the file of the "
        "encoder that it goes with, and this one beside it"
    )


def test_alexnet_is_known_and_not_needed(save: Save, take: Taker) -> None:
    state = {"features.0.weight": torch.ones(64, 3, 11, 11), "classifier.6.weight": torch.ones(1000, 4)}
    path = save(state)
    assert recognise.describe(path) == "torchvision: torchvision's AlexNet"
    assert failure(take, path) == (
        "torchvision's AlexNet: no network here is AlexNet; its errors, by which mCE divides, are part of this "
        "program, so the file is not needed"
    )


@pytest.mark.parametrize("net", [SMALL, PAIR, NET])
def test_an_encoder_of_ours(net: dict[str, Any], take: Taker, shown: Tensor, tmp_path: Path) -> None:
    module = member("nets", net["name"])
    theirs = trained(module.build(build(module.Recipe, net), seed=3))
    path = tmp_path / "encoder.safetensors"
    snapshot.save(path, theirs.state_dict(), about={"work": "a", "values": {}})
    take(path, recipe={"net": net}, layout=None)
    assert take.said == [f"{path}: repro: an encoder of ours"]
    ours = encoder.load(take.root / "taken", net, device="cpu")
    with torch.no_grad():
        assert torch.equal(ours(shown), theirs(shown))


def test_an_encoder_and_a_classifier_of_ours(take: Taker, tmp_path: Path) -> None:
    """The classifier names its classes: its rows go where they belong."""
    take.classes = ("b", "a")
    net = small.build(build(small.Recipe, SMALL), seed=3)
    one, two = tmp_path / "encoder.safetensors", tmp_path / "probe.safetensors"
    snapshot.save(one, net.state_dict(), about={"work": "a", "values": {}})
    probing.Classifier(torch.arange(32.0).reshape(2, 16), torch.tensor([5.0, 6.0])).save(tmp_path, classes=("a", "b"))
    both = {"place": [str(one), str(two)], "classifier": file_digest(two), "recipe": {"net": SMALL}, "layout": None}
    take(one, **both)
    assert take.said[1:] == [
        f"{two}: repro-probe: a classifier of ours, of 2 classes on 16 features",
        f"{one}: its classifier of 2 classes, in the order that it names, is the probe",
    ]
    held, classes = probing.load(take.root / "taken")
    assert classes == ("b", "a")
    assert held.weight[:, 0].tolist() == [16.0, 0.0]
    assert held.bias.tolist() == [6.0, 5.0]
    take.classes = ("b", "c")
    assert take(one, **both)["classifier"] is False
    assert take.said[-1] == f"{one}: its classifier is of other classes than the labelled images: it is left out"


def test_a_checkpoint_of_ours_is_not_an_encoder(take: Taker, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    snapshot.save(path, {"method.encoder.a": torch.ones(2)}, about={"work": "a", "step": 40})
    assert failure(take, path) == (
        "a checkpoint of ours after step 40: the training that left it has not ended; run it to its end and take its "
        "encoder.safetensors"
    )


def test_a_second_file_must_hold_a_classifier_that_fits(state: dict[str, Tensor], save: Save, take: Taker) -> None:
    one = save({"state_dict": state}, name="one.pth")
    two = save({"classifier": {"fc.weight": torch.ones(3, 8), "fc.bias": torch.ones(3)}}, name="two.pth")
    with pytest.raises(JobFailed) as caught:
        take(one, place=[str(one), str(two)], classifier=file_digest(two))
    assert str(caught.value) == (
        f"{two}: expected a classifier on the 2048 features of the encoder, found a weight of 3 x 8 and a bias of 3"
    )
    with pytest.raises(JobFailed) as caught:
        take(one, place=[str(one), str(one)], classifier=file_digest(one))
    assert str(caught.value) == (
        f"{one}: expected the classifier that goes with the encoder, found a MoCo pretraining: {THIN} with an MLP head "
        "of 2 layers"
    )


def test_the_second_classifier_wins_over_the_first(save: Save, take: Taker) -> None:
    net = trained(thin(classes=3))
    layer = nn.Linear(2048, 3)
    one, two = save(net.state_dict(), name="one.pth"), save({"classifier": layer.state_dict()}, name="two.pth")
    take(one, place=[str(one), str(two)], classifier=file_digest(two))
    assert f"{one}: its own classifier is left out for that of the second file" in take.said
    assert torch.equal(probing.load(take.root / "taken")[0].weight, layer.weight)


def test_shapes_of_a_pair_are_compared_for_each_half(save: Save, take: Taker) -> None:
    """L and ab the wrong way round."""
    halves = [resnet50_pair.backbone(8, channels=channels) for channels in (2, 1)]
    state = {f"encoder{i}.{name}": part for i, half in enumerate(halves, 1) for name, part in half.state_dict().items()}
    assert failure(take, save({"model": state}), recipe={"net": PAIR}) == (
        "recognised as pycontrast (a PyContrast pair for L and ab: two ResNet-50 (blocks 0.125 times as wide)), and it "
        "does not fit the recipe's net resnet50_pair: 2 of another shape (encoder1.conv1.weight: expected 64 x 1 x 7 x "
        f"7, found 64 x 2 x 7 x 7, encoder2.conv1.weight: expected 64 x 2 x 7 x 7, found 64 x 1 x 7 x 7); {MEND}"
    )


def test_a_number_where_a_convolution_is_expected(save: Save, take: Taker) -> None:
    path = save({"layer1.0.conv1.weight": torch.tensor(1.0)})
    assert recognise.describe(path) == (
        "torchvision: ResNet of 1+0+0+0 basic blocks by torchvision's names, without classifier"
    )
    assert " missing (backbone.conv1.weight, " in failure(take, path)
