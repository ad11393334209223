"""Tables the field's metrics are defined by: AlexNet's errors on ImageNet-C, Geirhos' 16 categories of ImageNet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


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


def _load(name: str) -> Any:
    return json.loads(files(__name__).joinpath(name).read_text(encoding="utf-8"))
