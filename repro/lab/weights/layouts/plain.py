"""A ResNet by torchvision's names, with or without its classifier, under any one prefix.

Without prefix it is torchvision's own (timm's ResNet-50 has the same names); under `module.` it went through
DataParallel, as the SIN networks and MoCo's linear probes did, whose optimizer has two tensors, the classifier's; under
`backbone.` it comes from lightly or solo-learn, which keep heads and momentum copies beside it; VISSL says
`_feature_blocks.`.

Source: torchvision models/resnet.py; rgeirhos/texture-vs-shape@ccd0c01 models/load_pretrained_models.py;
facebookresearch/moco@78b69ca main_lincls.py:172-196; lightly-ai/lightly benchmarks/imagenet/resnet50 (query encoders,
heads, online classifiers); vturrisi/solo-learn solo/methods/base.py; facebookresearch/vissl
extra_scripts/convert_vissl_to_torchvision.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.lab.weights.found import RESNET, Found, State, architecture, resnet

_BESIDE = (
    "projector.",
    "predictor.",
    "projection_head.",
    "prediction_head.",
    "classifier.",
    "online_classifier.",
    "momentum_",
    "queue",
)  # of solo-learn and lightly, beside `backbone.`; their heads are built otherwise than ours
_PROBE_TENSORS = 2  # that main_lincls.py trains


def find(state: State) -> Found | None:
    """The one ResNet in the file; None where there is none, or more than one outside of a known momentum copy."""
    prefixes = [name.removesuffix(RESNET) for name in state.tensors if name.endswith(RESNET)]
    prefixes = [prefix for prefix in prefixes if not prefix.startswith(_BESIDE)]
    if len(prefixes) != 1:
        return None
    prefix = prefixes[0]
    weight, bias = f"{prefix}fc.weight", f"{prefix}fc.bias"
    has_classifier = {weight, bias} <= state.tensors.keys() and state.tensors[weight].ndim == 2
    rows = state.tensors[weight].shape[0] if has_classifier else 0
    beside = {} if prefix != "backbone." else {f"{start}*": state.under(start) for start in _BESIDE}
    layout, origin = _named(state, prefix=prefix)
    ending = f"with a classifier of {rows} classes" if has_classifier else "without classifier"
    return Found(
        layout=layout,
        says=f"{architecture(state, prefix=prefix)} {origin}, {ending}",
        parts=resnet(state, prefix=prefix, into="backbone."),
        classifier=(weight, bias) if has_classifier else None,
        left={what: names for what, names in beside.items() if names},
    )


def _named(state: State, *, prefix: str) -> tuple[str, str]:
    if not prefix:
        return "torchvision", "by torchvision's names"
    if prefix == "module." and _trained(state.around.get("optimizer")) == _PROBE_TENSORS:
        return "moco-probe", "under a linear probe of MoCo"
    if prefix == "module.":
        return "data-parallel", "from DataParallel"
    return f"{prefix}*", f"under the prefix {prefix}"


def _trained(optimizer: Any) -> int:
    """Tensors that an optimizer's state says it moves; 0 where that is no such state."""
    groups = optimizer.get("param_groups") if isinstance(optimizer, Mapping) else None
    if not isinstance(groups, list) or not all(isinstance(group, Mapping) for group in groups):
        return 0
    lists = (group.get("params") for group in groups)
    return sum(len(moved) for moved in lists if isinstance(moved, list))
