"""Tables the field's metrics and data sets are defined by: AlexNet's errors on ImageNet-C, the classes of ImageNet.

Beside the 1,000 classes: Geirhos' 16 categories of them, the 100 of ImageNet-100, ImageNet-R's 200, the dogs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

CLASS_LISTS = ("imagenet-1k", "imagenet-100", "imagenet-r", "imagenet-100-r")
"""What `wnids` knows; the last are the 19 classes that ImageNet-100 and ImageNet-R have in common."""


@dataclass(frozen=True)
class AlexNetErrors:
    """AlexNet's top-1 errors as fractions: the clean one, and five severities for each of the 15 corruptions."""

    clean: float
    corruptions: dict[str, tuple[float, ...]]


@cache
def alexnet_errors() -> AlexNetErrors:
    """The denominators of mCE and relative mCE on ImageNet-1K; where they come from stands in `alexnet_errors.json`."""
    content = _load("alexnet_errors.json")
    return AlexNetErrors(content["clean"], {name: tuple(errors) for name, errors in content["corruptions"].items()})


@cache
def geirhos16() -> dict[str, tuple[int, ...]]:
    """The 16 categories in alphabetical order, each with its class indices of ImageNet-1K (207 of 1,000 in all).

    >>> geirhos16()["cat"]
    (281, 282, 283, 284, 285, 286)
    """
    categories = _load("geirhos16.json")["categories"]
    return {name: tuple(categories[name]) for name in sorted(categories)}


@cache
def conditions(corruptions: int) -> tuple[str, ...]:
    """What ImageNet-C's folders are, corruption after corruption at five severities, of 15 or of all 19 corruptions.

    >>> conditions(15)[:2], len(conditions(15)), conditions(19)[75:76]
    (('gaussian_noise/1', 'gaussian_noise/2'), 75, ('speckle_noise/1',))
    """
    content = _load("imagenet_c.json")
    names = (*content["corruptions"], *content["extra"])[:corruptions]
    return tuple(f"{name}/{severity}" for name in names for severity in content["severities"])


@cache
def class_names() -> dict[str, str]:
    """WordNet id -> words for it, of the 1,000 classes of ImageNet-1K in the order of their indices.

    >>> class_names()["n02085620"], list(class_names()).index("n02085620")
    ('Chihuahua', 151)
    """
    return dict(_load("imagenet.json")["classes"])


@cache
def wnids(classes: str) -> tuple[str, ...]:
    """The WordNet ids, sorted, of one of `CLASS_LISTS`: a label is a place in it.

    >>> [len(wnids(classes)) for classes in CLASS_LISTS]
    [1000, 100, 200, 19]
    """
    if classes == "imagenet-1k":
        return tuple(class_names())
    if classes == "imagenet-100-r":
        return tuple(wnid for wnid in wnids("imagenet-100") if wnid in wnids("imagenet-r"))
    return tuple(_load("subsets.json")[classes]["wnids"])


@cache
def dogs() -> tuple[str, ...]:
    """The WordNet ids of the 118 kinds of dog among ImageNet's classes; ImageNet-100 has 19 of them.

    >>> len(dogs()), len(set(dogs()) & set(wnids("imagenet-100")))
    (118, 19)
    """
    span = _load("subsets.json")["dog"]
    return wnids("imagenet-1k")[span["first"] : span["last"] + 1]


def _load(name: str) -> Any:
    return json.loads(files(__name__).joinpath(name).read_text(encoding="utf-8"))
