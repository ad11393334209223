"""A MoCo pretraining: query encoder with its head, key encoder, queue; forks of it (MoCHi, IFM, the paper's) alike.

Source: facebookresearch/moco@78b69ca moco/builder.py:16-45, main_moco.py:226-231 (epoch, arch, state_dict, optimizer);
the released files have the query encoder alone (facebookresearch/moco#27).
"""

from __future__ import annotations

from repro.lab.weights.found import RESNET, Found, State, architecture, head, resnet

_ENCODER = "encoder_q."


def find(state: State) -> Found | None:
    """What a MoCo file holds, with or without the `module.` of DistributedDataParallel."""
    outer = next((p for p in ("module.", "") if p + _ENCODER + RESNET in state.tensors), None)
    if outer is None:
        return None
    prefix, keys, queue = outer + _ENCODER, f"{outer}encoder_k.", f"{outer}queue"
    projection = head(state, prefix=f"{prefix}fc.", into="head.")
    layers = sorted({name.split(".")[1] for name in projection if name.count(".") > 1})
    kind = f"an MLP head of {len(layers)} layers" if layers else "a linear head" if projection else "no head"
    left = {f"{keys}*": state.under(keys), queue: [name for name in (queue, f"{queue}_ptr") if name in state.tensors]}
    held = state.tensors.get(queue)
    return Found(
        layout="moco-pretrain",
        says=f"a MoCo pretraining: {architecture(state, prefix=prefix)} with {kind}",
        parts=resnet(state, prefix=prefix, into="backbone.") | projection,
        left={what: names for what, names in left.items() if names},
        queue=None if held is None or held.ndim != 2 else held.shape[1],
    )
