"""A slow copy of an encoder, as MoCo's key encoder and BYOL's target, and batch statistics by groups.

Source: He et al. 2020, section 3; facebookresearch/moco@78b69ca moco/builder.py:49-101.
"""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from repro.errors import JobFailed
from repro.lab import processes
from repro.lab.batch import Setting

T = TypeVar("T", bound=nn.Module)


def embed(encoder: nn.Module, images: Tensor, *, groups: int) -> Tensor:
    """(N, D) embeddings of unit length; `groups` parts of the step's batch have batch statistics of their own.

    A process has its share of the groups; with one group for several processes the encoder's batch normalisation is
    to be `norm.synchronise`d.
    """
    parts = [encoder(part) for part in images.chunk(max(1, groups // processes.share().size))]
    return F.normalize(torch.cat(parts).float(), dim=1)


def slow_copy(network: T) -> T:
    """A copy that no gradient reaches."""
    return copy.deepcopy(network).requires_grad_(False)


def follow(slow: nn.Module, fast: nn.Module, *, momentum: float) -> None:
    """slow = momentum * slow + (1 - momentum) * fast, for each parameter; call it without gradient."""
    for behind, ahead in zip(slow.parameters(), fast.parameters(), strict=True):
        behind.mul_(momentum).add_(ahead, alpha=1 - momentum)


def embed_shuffled(encoder: nn.Module, images: Tensor, *, groups: int, generator: Generator) -> Tensor:
    """`embed` with batch statistics from other companions than the queries' ("shuffling BN"); call it without gradient.

    The generator is the same in all processes; each embeds a random share of all images and gets its own rows back.

    Differs: official processes run side by side and keep the running statistics of the first, as several of ours do;
    the groups of one process run one after the other and all of them enter. They are not used in training.
    """
    if groups == 1:
        return embed(encoder, images, groups=1)
    share, everything = processes.share(), processes.gather(images)
    order = torch.randperm(len(everything), generator=generator).to(images.device)
    embedded = processes.gather(embed(encoder, everything[share.part(order)], groups=groups))
    return share.part(embedded[order.argsort()])


def check_groups(groups: int, setting: Setting) -> None:
    """Raises `JobFailed` where a batch cannot be cut into `groups`."""
    if setting.batch % groups:
        raise JobFailed(f"method.shuffle_groups: a batch of {setting.batch} cannot be cut into {groups} equal groups")
