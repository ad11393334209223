"""How many runs it takes: further seeds that would decide a cell, chance of showing equivalence."""

from __future__ import annotations

import math

import numpy as np
import scipy

from repro.judge.statistics import Deviation, difference_p, equivalence_p

_STEPS = 4000


def seeds_to_decide(
    difference: float, deviation: Deviation, *, reported: int, ours: int, margin: float | None, level: float, most: int
) -> int | None:
    """The fewest further seeds after which a difference that stays as it is would be decided; `None` beyond `most`.

    Decided: significant, or shown to lie inside `margin`. A true difference like the one seen has about even odds of
    being decided with so many. The reported mean of `reported` runs keeps its error: there may be no such number.
    """
    for more in range(1, most + 1):
        runs = ours + more
        error = deviation.sd * math.sqrt(1 / reported + 1 / runs)
        if difference_p(difference, error, df=deviation.df) < level:
            return more
        if margin is not None and equivalence_p(difference, error, df=deviation.df, margin=margin) < level:
            return more
    return None


def equivalence_power(deviation: Deviation, *, reported: int, ours: int, margin: float, level: float) -> float:
    """Chance, 0 to 1, that `ours` runs show equivalence to `reported` runs where the true difference is 0.

    `deviation.sd` is the true deviation of a run, `deviation.df` the freedom of the estimate the test will use.

    Source: Schuirmann 1987; the chance given the estimated variance, averaged over its chi-square distribution.
    """
    shares = (np.arange(_STEPS) + 0.5) / _STEPS
    ratio = np.sqrt(scipy.special.chdtri(deviation.df, shares) / deviation.df)  # estimated over true deviation
    error = deviation.sd * math.sqrt(1 / reported + 1 / ours)
    reach = (margin - scipy.special.stdtrit(deviation.df, 1 - level) * error * ratio) / error
    return float(np.maximum(0.0, 2 * scipy.special.ndtr(reach) - 1).mean())
