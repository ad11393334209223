"""Pieces come from the right cells, by brute force on numbered images; the head against a loop."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from repro.lab.blocks import jigsaw


@pytest.mark.parametrize(("grid", "side", "piece"), [(3, 12, 3), (3, 14, 4), (2, 10, 5), (1, 5, 2)])
def test_pieces_are_squares_out_of_their_cells(grid: int, side: int, piece: int) -> None:
    cell = side // grid
    images = torch.arange(2 * 3 * side * side).view(2, 3, side, side)  # every number once
    done = jigsaw.draw(2, grid=grid, room=cell - piece, generator=torch.Generator().manual_seed(0))
    found = jigsaw.cut(images, done, grid=grid, piece=piece)
    assert found.shape == (2 * grid * grid, 3, piece, piece)
    for i in range(2):
        for number in range(grid * grid):
            top = number // grid * cell + int(done.tops[i, number])
            left = number % grid * cell + int(done.lefts[i, number])
            assert number // grid * cell <= top <= (number // grid + 1) * cell - piece
            assert number % grid * cell <= left <= (number % grid + 1) * cell - piece
            for channel in range(3):
                for row in range(piece):
                    for column in range(piece):
                        expected = images[i, channel, top + row, left + column]
                        assert found[i * grid * grid + number, channel, row, column] == expected


def test_draws_reach_both_ends_and_every_order() -> None:
    done = jigsaw.draw(6000, grid=2, room=3, generator=torch.Generator().manual_seed(0))
    for places in (done.tops, done.lefts):
        counts = torch.bincount(places.flatten(), minlength=4)
        assert len(counts) == 4
        assert all(abs(int(count) - 6000) < 300 for count in counts)
    assert torch.equal(done.order.sort(1).values, torch.arange(4).expand(6000, 4))
    orders, counts = done.order.unique(dim=0, return_counts=True)
    assert len(orders) == 24
    assert all(abs(int(count) - 250) < 80 for count in counts)


def test_head_orders_the_pieces_of_each_image_and_joins_them() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = jigsaw.Head(6, outputs=5, cells=4)
        features = torch.randn(3 * 4, 6)
    order = torch.stack([torch.tensor(row) for row in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1])])
    found = head(features, order)
    first, _, last = head.each
    for i in range(3):
        parts = []
        for place in range(4):
            piece = features[i * 4 + int(order[i, place])]
            parts.append(last.weight @ torch.relu(first.weight @ piece + first.bias) + last.bias)
        expected = head.together.weight @ torch.cat(parts) + head.together.bias
        torch.testing.assert_close(found[i], expected / expected.norm())
    assert first.weight.shape == (6, 6)  # as wide as the features
    torch.testing.assert_close(F.normalize(found, dim=1), found)
