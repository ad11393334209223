"""How often a pretraining takes an image through its network, so that the cost of methods can be compared.

Counted in whole passes, forward and backward; a pass without gradient is a third of one, as the backward pass is about
two forward ones. What is not here (view making, losses, queues) costs little beside them.
"""

from __future__ import annotations

from collections.abc import Mapping

FORWARD = 1 / 3  # of a whole pass


def passes(recipe: Mapping[str, Mapping[str, object]]) -> float:
    """Whole passes through the network for each image of a pretraining step.

    >>> recipe = {"method": {"name": "moco"}, "negatives": {"name": "patch", "count": 1}, "data": {"pixels": 224}}
    >>> round(passes(recipe), 3)
    1.667
    """
    method, negatives = recipe["method"], recipe["negatives"]
    name, views = str(method["name"]), 2 + _number(method, "support_size")
    count = 0.0 if negatives["name"] == "none" else _number(negatives, "count") or 1.0
    whole, forward = {
        "supervised": (1.0, 0.0),
        "insdis": (1.0, 0.0),
        "byol": (2.0, 2.0),
        "cmc": (2 * 0.25, 0.0),  # half of the channels: a quarter of the arithmetic
        "simclr": (2.0 + count, 0.0),
        "debiased": (2.0, 0.0),
        "hard": (2.0, 0.0),
        "fnc": (views, 0.0),
        "fnc_queue": (views, views),
    }.get(name, (1.0, 1.0))
    if "jigsaw_piece" in method:  # the nine pieces of InfoMin's third view
        whole += 9 * (_number(method, "jigsaw_piece") / _number(recipe["data"], "pixels")) ** 2
    return whole + FORWARD * (forward + (0.0 if name == "simclr" else count))


def _number(values: Mapping[str, object], key: str) -> float:
    found = values.get(key, 0)
    assert isinstance(found, (int, float))
    return float(found)
