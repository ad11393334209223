"""False negative cancellation against loops over its steps and equations, in float64."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repro.errors import JobFailed
from repro.lab.losses import false_negatives, nce
from repro.lab.losses.false_negatives import attract, detect, eliminate, scores
from repro.lab.losses.nt_xent import nt_xent

SHAPES = [(2, 3, 4, 0), (2, 5, 6, 7), (4, 3, 5, 0), (3, 4, 6, 9)]  # views, images, dimensions, other candidates
STRATEGIES = {"eliminate": eliminate, "attract": attract}


def unit(*size: int, seed: int) -> Tensor:
    numbers = torch.randn(*size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return F.normalize(numbers, dim=-1)


def world(views: int, images: int, width: int, more: int) -> dict[str, Any]:
    """Anchors, candidates that are not the anchors (a slow copy's), some of them of no image of the batch."""
    order = torch.randperm(views * images + more, generator=torch.Generator().manual_seed(9))
    candidates = unit(views * images + more, width, seed=1)
    return {
        "anchors": unit(views, images, width, seed=0),
        "candidates": candidates,
        "own": order[: views * images].view(views, images).T,  # any places, in any order
        "support": candidates[order[: views * images]].view(views, images, width),
    }


def dot(left: Tensor, right: Tensor) -> float:
    return sum(float(x) * float(y) for x, y in zip(left, right, strict=True))


def found_by_hand(given: dict[str, Any], topk: int, threshold: float) -> list[set[int]]:
    """F_i by the steps of the paper: score with each view, maximum, not the image's own, top k, above the threshold."""
    sets = []
    for i, places in enumerate(given["own"].tolist()):
        best = {
            c: max(dot(view[i], candidate) for view in given["support"])
            for c, candidate in enumerate(given["candidates"])
            if c not in places
        }
        first = sorted(best, key=lambda c: (-best[c], c))[:topk]
        sets.append({c for c in first if best[c] > threshold})
    return sets


def as_mask(sets: list[set[int]], count: int) -> Tensor:
    return torch.tensor([[c in found for c in range(count)] for found in sets])


def loss_by_hand(
    given: dict[str, Any], sets: list[set[int]], ns: list[tuple[Tensor, float]], tau: float, strategy: str
) -> list[list[float]]:
    """l_i^a of each view of each image, term by term."""
    losses = []
    for i, places in enumerate(given["own"].tolist()):
        row = []
        for a, anchors in enumerate(given["anchors"]):
            z = anchors[i]
            s = [dot(z, candidate) / tau for candidate in given["candidates"]]
            others = [place for b, place in enumerate(places) if b != a]
            positives = [*others, *sets[i]] if strategy == "attract" else others
            left_out = {places[a]} | (sets[i] if strategy == "eliminate" else set())
            denominator = sum(math.exp(value) for c, value in enumerate(s) if c not in left_out)
            denominator += sum(math.exp(alpha * dot(z, other[i]) / tau) for other, alpha in ns)
            row.append(-sum(s[c] for c in positives) / len(positives) + math.log(denominator))
        losses.append(row)
    return losses


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("topk", "threshold"), [(1, 0.0), (3, 0.2), (100, 0.4), (4, -1.0), (5, 2.0)])
def test_what_is_found_is_what_the_steps_find(shape: tuple[int, ...], topk: int, threshold: float) -> None:
    given = world(*shape)
    found = detect(scores(given["support"], given["candidates"]), own=given["own"], topk=topk, threshold=threshold)
    assert torch.equal(found, as_mask(found_by_hand(given, topk, threshold), len(given["candidates"])))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("alphas", [(), (2.0, 0.5)])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_losses_are_those_of_the_equations(shape: tuple[int, ...], alphas: tuple[float, ...], strategy: str) -> None:
    given = world(*shape)
    sets = found_by_hand(given, 3, 0.1)
    assert any(sets)
    ns = [(unit(shape[1], shape[2], seed=3 + index), alpha) for index, alpha in enumerate(alphas)]
    expected = loss_by_hand(given, sets, ns, 0.1, strategy)
    given.pop("support")
    false = as_mask(sets, len(given["candidates"]))
    found = STRATEGIES[strategy](**given, false=false, negatives=ns, temperature=0.1)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=1e-12)


def test_the_whole_is_the_released_two_view_form_but_for_its_factor() -> None:
    """objective.py with V = 2: -(z.m + sum over F of z.m_f) / T / (1 + |F|) + log-sum-exp, summed over both views."""
    given = world(2, 4, 5, 6)
    sets = found_by_hand(given, 2, 0.1)
    total = 0.0
    for a in (0, 1):
        for i in range(4):
            s = [dot(given["anchors"][a][i], candidate) / 0.1 for candidate in given["candidates"]]
            own = given["own"][i].tolist()
            numerator = s[own[1 - a]] + sum(s[f] for f in sets[i])
            denominator = math.log(sum(math.exp(value) for c, value in enumerate(s) if c != own[a]))
            total += (-numerator / (1 + len(sets[i])) + denominator) / 4
    given.pop("support")
    found = attract(**given, false=as_mask(sets, len(given["candidates"])), negatives=[], temperature=0.1)
    assert 2 * float(found.mean()) == pytest.approx(total, rel=1e-12)


# ------------------------------------------------------------------------------------------------------------ detection


def test_above_is_strict_and_the_own_views_are_never_found() -> None:
    alike = torch.tensor([[0.9, 0.7, 0.7000001, 0.8, 1.0]])
    found = detect(alike, own=torch.tensor([[0, 4]]), topk=10, threshold=0.7)
    assert found.tolist() == [[False, False, True, True, False]]
    assert not detect(alike, own=torch.tensor([[0, 4]]), topk=10, threshold=0.8).any()
    exact = torch.tensor([[0.5, 0.25]])
    assert detect(exact, own=torch.tensor([[1]]), topk=1, threshold=0.5).tolist() == [[False, False]]
    assert detect(exact, own=torch.tensor([[1]]), topk=1, threshold=0.4999).tolist() == [[True, False]]


def test_of_equal_scores_at_the_edge_the_first_are_found() -> None:
    alike = torch.tensor([[0.8, 0.9, 0.8, 0.8, 0.1], [0.8, 0.8, 0.8, 0.8, 0.8]])
    found = detect(alike, own=torch.tensor([[4], [0]]), topk=3, threshold=0.5)
    assert found.tolist() == [[True, True, True, False, False], [False, True, True, True, False]]
    assert detect(alike, own=torch.tensor([[4], [0]]), topk=1, threshold=0.5).sum(1).tolist() == [1, 1]


def test_there_are_never_more_than_topk_nor_more_than_there_are() -> None:
    level = torch.full((3, 8), 0.9)
    own = torch.arange(6).view(3, 2)
    for topk in (1, 2, 5, 6, 7, 8, 100):
        assert detect(level, own=own, topk=topk, threshold=0.5).sum(1).tolist() == [min(topk, 6)] * 3


def test_a_higher_threshold_finds_a_part_of_what_a_lower_one_finds() -> None:
    given = world(3, 4, 6, 9)
    alike = scores(given["support"], given["candidates"])
    found = [detect(alike, own=given["own"], topk=6, threshold=threshold) for threshold in (-1.0, 0.1, 0.3, 0.5, 1.1)]
    assert all(bool((lower | ~higher).all()) for lower, higher in itertools.pairwise(found))
    assert found[0].sum(1).tolist() == [6] * 4
    assert not found[-1].any()


def test_a_support_view_finds_what_the_main_views_do_not() -> None:
    """The maximum over the views, not their mean: one view of the image is enough."""
    support = F.normalize(torch.tensor([[[1.0, 0.0, 0.0]], [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]]).double(), dim=-1)
    other = torch.tensor([[0.0, 1.0, 0.1]]).double()
    candidates = torch.cat([support[:, 0], F.normalize(other, dim=-1)])
    own = torch.tensor([[0, 1, 2]])
    assert detect(scores(support, candidates), own=own, topk=1, threshold=0.7).tolist() == [[False] * 3 + [True]]
    both = detect(scores(support[:2], candidates), own=own, topk=1, threshold=0.7)
    assert not both.any()


# ------------------------------------------------------------------------------------------------------- limiting cases


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_with_nothing_found_two_views_of_the_batch_have_the_loss_of_simclr(strategy: str) -> None:
    first, second, ns = unit(5, 4, seed=0), unit(5, 4, seed=1), unit(5, 4, seed=2)
    candidates, own = torch.cat([first, second]), torch.arange(10).view(2, 5).T
    support = torch.stack([first, second])
    false = detect(scores(support, candidates), own=own, topk=10, threshold=1.001)
    found = STRATEGIES[strategy](support, candidates, own=own, false=false, negatives=[(ns, 2.0)], temperature=0.1)
    torch.testing.assert_close(found, nt_xent(first, second, negatives=[(ns, 2.0)], temperature=0.1))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_with_nothing_found_two_views_and_a_memory_have_the_loss_of_moco(strategy: str) -> None:
    """Of each view of each image: MoCo's loss with the other view's key, and all of the memory but the image's own."""
    given = world(2, 4, 5, 6)
    given.pop("support")
    ns = [(unit(4, 5, seed=5), 2.0)]
    false = torch.zeros(4, 14, dtype=torch.bool)
    found = STRATEGIES[strategy](**given, false=false, negatives=ns, temperature=0.2)
    for i, own in enumerate(given["own"].tolist()):
        rest = given["candidates"][[c for c in range(14) if c not in own]]
        for a in (0, 1):
            query, key = given["anchors"][a][i : i + 1], given["candidates"][own[1 - a]][None]
            mine = [(other[i : i + 1], alpha) for other, alpha in ns]
            moco = nce.contrastive(query, key, queue=rest, negatives=mine, temperature=0.2)
            assert float(found[i, a]) == pytest.approx(float(moco), rel=1e-12)


def test_all_others_eliminated_leave_the_positive_alone() -> None:
    given = world(2, 3, 4, 5)
    given.pop("support")
    false = torch.ones(3, 11, dtype=torch.bool).scatter(1, given["own"], False)
    found = eliminate(**given, false=false, negatives=[], temperature=0.1)
    torch.testing.assert_close(found, torch.zeros(3, 2).double(), rtol=0, atol=1e-12)


def test_order_of_images_and_candidates_does_not_matter() -> None:
    given = world(3, 4, 5, 6)
    given.pop("support")
    false = as_mask([{0, 1} - set(own) for own in given["own"].tolist()], 18)
    whole = attract(**given, false=false, negatives=[], temperature=0.1)
    turned = attract(
        given["anchors"].flip(1),
        given["candidates"].flip(0),
        own=17 - given["own"].flip(0),
        false=false.flip(0).flip(1),
        negatives=[],
        temperature=0.1,
    )
    torch.testing.assert_close(turned, whole.flip(0))


def test_an_eliminated_candidate_has_no_part_in_the_loss_and_an_attracted_one_is_pulled() -> None:
    for strategy, sign in (("eliminate", 0), ("attract", 1)):
        given = world(2, 3, 4, 5)
        given.pop("support")
        candidates = given.pop("candidates").requires_grad_()
        own = set(given["own"][0].tolist())
        chosen = next(c for c in range(11) if c not in given["own"].flatten().tolist())
        false = as_mask([{chosen}, set(), set()], 11)
        loss = STRATEGIES[strategy](candidates=candidates, **given, false=false, negatives=[], temperature=0.1)
        gradient = torch.autograd.grad(loss[0].sum(), candidates)[0]
        assert bool(gradient[chosen].any()) == bool(sign)
        rest = [c for c in range(11) if c != chosen and c not in own]
        assert all(bool(gradient[c].any()) for c in rest)


@pytest.mark.parametrize(
    ("dials", "message"),
    [
        (
            {"support_size": -1, "topk": 10},
            "method.support_size: expected 0 or more views beyond the two, found -1",
        ),
        (
            {"support_size": 0, "topk": 0},
            "method.topk: expected at least 1, found 0; with method.threshold above 1 none are found",
        ),
    ],
)
def test_dials_that_are_none_are_told(dials: dict[str, int], message: str) -> None:
    with pytest.raises(JobFailed) as caught:
        false_negatives.check(**dials)
    assert str(caught.value) == message
