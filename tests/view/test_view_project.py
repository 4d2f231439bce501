"""Neighbours, projections and what they keep, against plain twins and known figures."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from morphvec.errors import MissingExtraError, OptionError
from morphvec.rng import stream
from morphvec.view import project
from morphvec.view.project import nearest, nearest_flat, parallel, pca, preservation, tsne


def unit(n=60, dim=7, seed=0):
    points = stream(seed).normal(size=(n, dim))
    return points / np.linalg.norm(points, axis=1)[:, None]


def naive_nearest(scores, k):
    found = []
    for row in range(len(scores)):
        order = sorted((-scores[row][other], other) for other in range(len(scores)) if other != row)
        found.append([other for _, other in order[:k]])
    return np.array(found)


def test_nearest_is_its_naive_twin_in_any_block(monkeypatch):
    points = unit()
    expected = naive_nearest(points @ points.T, 5)
    monkeypatch.setattr(project, "_CELLS", 7 * len(points))
    near, cosines = nearest(points, 5)
    assert (near == expected).all()
    assert np.allclose(cosines, [[points[a] @ points[b] for b in row] for a, row in enumerate(near)])


def test_of_equal_neighbours_the_lower_comes_first():
    points = np.array([[1.0, 0.0]] * 4 + [[0.0, 1.0]])
    assert nearest(points, 2)[0].tolist() == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1]]


def test_nearest_on_the_plane_is_its_naive_twin():
    places = stream(4).normal(size=(40, 2))
    away = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    assert (nearest_flat(places, 6) == naive_nearest(-away, 6)).all()


def test_a_map_that_keeps_everything_and_one_that_keeps_chance():
    angles = np.sort(stream(1).uniform(0, 1, size=300))
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    near, _ = nearest(circle, 10)
    kept, each = preservation(near, circle)
    assert kept.share == 1.0
    assert each.tolist() == [1.0] * 300
    strewn, each = preservation(near, stream(2).normal(size=(300, 2)))
    assert strewn.chance == 10 / 299
    assert abs(strewn.share - strewn.chance) < 0.01
    assert strewn.share == pytest.approx(each.mean())
    assert (strewn.k, strewn.n) == (10, 300)


def test_pca_is_the_plane_of_most_variance():
    points = stream(3).normal(size=(50, 4)) * [1.0, 9.0, 0.1, 4.0] + 7
    places, shares = pca(points)
    values = np.linalg.eigvalsh(np.cov(points.T))[::-1]
    assert shares == pytest.approx(values[:2] / values.sum())
    assert np.var(places, axis=0, ddof=1) == pytest.approx(values[:2])
    assert all(axis[np.argmax(np.abs(axis))] > 0 for axis in places.T)


def test_pca_of_points_on_a_line_leaves_the_second_axis_at_nothing():
    places, shares = pca(np.outer(np.arange(5.0), [1.0]))
    assert shares.tolist() == [pytest.approx(1.0), 0.0]
    assert not places[:, 1].any()


def test_tsne_gives_the_same_bits_again_and_others_for_another_seed():
    points = unit(40)
    done = []
    first = tsne(points, perplexity=8, seed=5, advance=done.append)
    assert sum(done) == project.ITERATIONS
    assert first.tobytes() == tsne(points, perplexity=8, seed=5).tobytes()
    assert first.tobytes() != tsne(points, perplexity=8, seed=6).tobytes()
    assert np.isfinite(first).all()


def test_tsne_keeps_groups_apart_better_than_pca():
    centres = np.eye(8) * 4
    points = np.concatenate(
        [centre + stream(number).normal(size=(15, 8)) for number, centre in enumerate(centres)]
    )
    points /= np.linalg.norm(points, axis=1)[:, None]
    near, _ = nearest(points, 10)
    shares = [preservation(near, places)[0].share for places in (tsne(points, perplexity=10), pca(points)[0])]
    assert shares[0] > shares[1] + 0.1


def test_equal_points_are_no_trouble():
    points = np.concatenate([np.repeat(unit(1), 8, axis=0), unit(8)])
    assert np.isfinite(tsne(points)).all()


@pytest.mark.parametrize("perplexity", [1.0, 0.0, -3.0, float("nan"), float("inf")])
def test_a_perplexity_that_cannot_be_is_refused(perplexity):
    with pytest.raises(OptionError, match="--perplexity"):
        tsne(unit(10), perplexity=perplexity)


def test_without_opentsne_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'morphvec\[view\]'"):
        tsne(unit(10))


def test_too_few_points_are_refused():
    with pytest.raises(OptionError, match="at least 5"):
        project.check_projection("tsne", 4)
    with pytest.raises(OptionError, match="tsne or pca"):
        project.check_projection("umap", 40)


def test_differences_that_are_one_are_parallel():
    generator = stream(0)
    first = generator.normal(size=(8, 5))
    points = np.concatenate([first, first + np.array([0, 0, 3.0, 0, 0])])
    pairs = np.stack([np.arange(8), np.arange(8, 16)], axis=1)
    found = parallel(points, pairs)
    assert found.pairs == 8
    assert found.mean == pytest.approx(1.0)
    assert found.left_out == pytest.approx(1.0)
    assert found.shuffled < 0.95


def test_random_differences_are_not_but_their_own_mean_flatters_them():
    generator = stream(1)
    points = generator.normal(size=(400, 50))
    pairs = np.arange(400).reshape(200, 2)
    found = parallel(points, pairs)
    assert abs(found.left_out) < 0.03
    assert found.mean == pytest.approx(1 / np.sqrt(200), abs=0.03)
    assert found.left_out == pytest.approx(found.of_pair.mean())


def test_every_a_gets_the_b_of_another_pair():
    for n in (2, 3, 10):
        order = project._derangement(n, seed=3)
        assert sorted(order.tolist()) == list(range(n))
        assert (order != np.arange(n)).all()


def test_one_pair_is_parallel_to_itself_and_nothing_else_is_said():
    found = parallel(np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([[0, 1]]))
    assert found.mean == pytest.approx(1.0)
    assert (found.left_out, found.shuffled) == (None, None)
