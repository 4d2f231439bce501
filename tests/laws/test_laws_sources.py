"""The worked figures of the sources, and where the sources err.

Figures that stand elsewhere: the network's updates 0.96405 and 0.99928, and the cross-entropy as a network, in
tests/lm/test_lm_mlp.py and tests/test_examples.py; the thirty pairs of the quick brown fox in tests/test_api.py; the
lecture's sigmoid, which is σ(2x), in tests/autodiff/test_autodiff_models.py; TF §3.1's missing nnz/|B| in
test_laws_first_form.py; GloVe's weight by its definition and note eqs. 8 to 10 cell by cell in
tests/solvers/test_solvers_losses.py.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.sparse import csr_array, identity

import morphvec as mv
from morphvec.autodiff import grad
from morphvec.autodiff import numpy as anp
from morphvec.engine.local import LocalEngine
from morphvec.lm.mlp import Layer, Network
from morphvec.rng import stream
from morphvec.solvers.batch_options import BatchOptions
from morphvec.solvers.losses import glove_weight, noise, pair_derivative, pair_objective, pair_optimum
from morphvec.solvers.penalties import EdgePenalty
from morphvec.solvers.softmax import FullSoftmax

FOX = ["The", "quick", "brown", "fox", "jumped", "over", "the", "lazy", "dog"]

# The exercise's embeddings of Daenerys, Frodo, ring, dragon, Picard, ship: as words and as contexts.
W = np.array(
    [
        [0.54, 0.25, 0.07],
        [0.91, 0.74, 0.27],
        [0.58, 0.00, 0.05],
        [0.16, 0.77, 0.31],
        [0.10, 0.54, 0.32],
        [0.59, 0.99, 0.06],
    ]
)
W_CONTEXT = np.array(
    [
        [0.19, 0.64, 0.98],
        [0.17, 0.42, 0.47],
        [0.55, 0.24, 0.92],
        [0.89, 0.58, 0.13],
        [0.31, 0.73, 0.48],
        [0.49, 0.20, 0.54],
    ]
)
FRODO, RING = 1, 2


def full_softmax(counts, dim, tokens=None):
    return FullSoftmax(
        csr_array(counts),
        dim,
        solver="sgd",
        options=BatchOptions(batch=0),
        epochs=1,
        ridge=0.0,
        seed=0,
        dtype=np.dtype(np.float64),
        tokens=tokens,
        engine=LocalEngine(1),
    )


def toy():
    """Counts of a toy corpus, every cell observed."""
    n = stream(11).integers(1, 30, (5, 4)).astype(float)
    return n, n.sum(axis=1), n.sum(axis=0), n.sum()


# ------------------------------------------------------------------------------------- exercise: the full softmax


def test_the_loss_of_frodo_and_ring_by_the_method_itself():
    """1.78706 nats. The exercise's 1.60 is 1.60379: it leaves the target's own term out of the denominator."""
    pair = np.zeros((6, 6))
    pair[FRODO, RING] = 1
    made = full_softmax(pair, 3)
    made.U[:], made.S[:] = W, W_CONTEXT
    logits = W[FRODO] @ W_CONTEXT.T
    np.testing.assert_allclose(logits, [0.9111, 0.5924, 0.9265, 1.2742, 0.9519, 0.7397], atol=1e-12)
    assert made.loss() == pytest.approx(1.78706, abs=5e-6)
    assert np.log(np.exp(np.delete(logits, RING)).sum()) - logits[RING] == pytest.approx(1.60379, abs=5e-6)
    assert np.log(np.exp(logits).sum() / np.exp(np.delete(logits, RING)).sum()) == pytest.approx(
        1.78706 - 1.60379, abs=1e-5
    )


def test_every_row_of_contexts_is_updated_the_source_word_s_own_too():
    """The exercise says "every row but one in W′"; the softmax runs over the whole vocabulary."""
    pair = np.zeros((6, 6))
    pair[FRODO, RING] = 1
    made = full_softmax(pair, 3)
    made.U[:], made.S[:] = W, W_CONTEXT
    dU, dS = made.gradient(0, 0)
    assert np.flatnonzero(dU.any(axis=1)).tolist() == [FRODO]
    assert np.flatnonzero(dS.any(axis=1)).tolist() == [0, 1, 2, 3, 4, 5]
    powers = np.exp(W[FRODO] @ W_CONTEXT.T)
    np.testing.assert_allclose(dS, np.outer(powers / powers.sum() - np.eye(6)[RING], W[FRODO]), rtol=1e-12)


def test_the_exercise_s_loss_is_per_token_of_text_and_not_per_pair():
    """NLL = −1/|T| ΣΣ ln p: 30 pairs on 9 tokens, so that vectors of nought cost (30/9) ln 9 and not ln 9."""
    words = list(dict.fromkeys(FOX))
    counts = np.zeros((len(words), len(words)))
    for word, context in mv.skipgram_pairs(FOX, 2):
        counts[words.index(word), words.index(context)] += 1
    made = full_softmax(counts, 2, tokens=len(FOX))
    made.U[:] = made.S[:] = 0
    assert made.loss() == pytest.approx(30 * np.log(9), rel=1e-14)
    entry = made.epoch(0)  # at U = S = 0 the gradient is 0 too
    assert entry["per_pair"] == pytest.approx(np.log(9))
    assert entry["per_token"] == pytest.approx(30 / 9 * np.log(9))


def test_sixty_million_parameters():
    """101,425 words × 300 dimensions, as words and as contexts."""
    words, dim = 101_425, 300
    network = Network(words, (Layer(dim, bias=False), Layer(words, bias=False)))
    assert sum(int(np.prod(shape)) for shape in network.shapes.values()) == 60_855_000
    made = full_softmax(np.ones((7, 7)), 5)
    assert made.U.size + made.S.size == 7 * 5 * 2  # ours has no others


# ------------------------------------------------------------------------------------- exercise and note: negatives


def test_a_sigma_is_missing_in_the_exercise_s_second_logarithm():
    """Its eqs. 1 to 4 print ln(−w·c) for ln σ(−w·c). Then no pair could have a score above 0, and the optimum is not
    the PMI − ln k of its eq. 5."""
    n, words, contexts, total = toy()
    cell = (n[0, 0], words[0], contexts[0], total, 1.0)
    with np.errstate(invalid="ignore"):
        assert np.isnan(np.log(-np.array(0.5)))  # a positive score has no value at all
    m = cell[4] * words[0] * contexts[0] / total
    found = brentq(lambda x: n[0, 0] / (1 + np.exp(x)) + m / x, -60, -1e-9)  # ∂/∂x of n ln σ(x) + m ln(−x)
    assert abs(found - float(pair_optimum(*cell))) > 0.5
    best = minimize_scalar(lambda x: -float(pair_objective(x, *cell)), bounds=(-10, 10), method="bounded")
    assert best.x == pytest.approx(float(pair_optimum(*cell)), abs=1e-4)


def test_the_noise_is_over_d_and_neither_over_v_nor_of_pairs():
    """#(c)/|D|. The exercise prints #(c)/|V| and calls it uniform; the note's text after eq. 3 prints #(w,c)/|D|."""
    n, words, contexts, total = toy()
    assert (contexts / total).sum() == 1
    np.testing.assert_allclose(noise(contexts), contexts / total, rtol=1e-15)
    assert (contexts / len(contexts)).sum() == pytest.approx(total / len(contexts)) != 1
    assert np.ptp(noise(contexts)) > 0  # not uniform: that is power 0
    assert np.ptp(noise(contexts, 0)) == 0
    np.testing.assert_allclose((n / total).sum(axis=1), words / total)  # #(w,c)/|D| over c: not 1 either


@pytest.mark.parametrize("k", [1, 5, 15])
def test_the_optimum_needs_the_number_of_pairs(k):
    """With |V| for |D| the exercise's eq. 5 is off by ln(|D|/|V|) in every cell; #(c) are pairs and not tokens."""
    n, words, contexts, total = toy()
    right = pair_optimum(n, words[:, None], contexts, total, k)
    np.testing.assert_allclose(
        right, np.log((n / total) / np.outer(words / total, contexts / total)) - np.log(k), rtol=1e-12
    )
    np.testing.assert_allclose(pair_derivative(right, n, words[:, None], contexts, total, k), 0, atol=1e-12)
    printed = np.log(n * len(contexts) / np.outer(words, contexts)) - np.log(k)
    np.testing.assert_allclose(right - printed, np.log(total / len(contexts)), rtol=1e-12)
    off = pair_derivative(printed, n, words[:, None], contexts, total, k)
    assert off.min() > 0  # of its own loss as it ought to be: every score is still to rise


def test_the_sum_over_all_cells_is_the_sum_over_pairs():
    """Note eqs. 4 and 7: an expectation for each observed pair, or one expected count of negatives for each cell."""
    n, words, contexts, total = toy()
    X = stream(12).standard_normal(n.shape)
    log_sigma = lambda x: -np.log1p(np.exp(-x))  # noqa: E731
    drawn = (log_sigma(-X) * (contexts / total)).sum(axis=1)  # E over c_N ~ #(c)/|D|
    equation_4 = sum(n[w, c] * (log_sigma(X[w, c]) + 5 * drawn[w]) for w, c in np.ndindex(n.shape))
    cells = pair_objective(X, n, words[:, None], contexts, total, 5)
    assert cells.sum() == pytest.approx(equation_4, rel=1e-12)
    whole = grad(lambda X: anp.sum(pair_objective(X, n, words[:, None], contexts, total, 5)))(X)
    np.testing.assert_allclose(whole, pair_derivative(X, n, words[:, None], contexts, total, 5), rtol=1e-10)


def test_proportional_means_a_constant_under_the_logarithm():
    """The exercise's PMI = ln(#(w,c)/(#(w)#(c))) "∝" the same with |D|: they differ by ln |D|, not by a factor."""
    n, words, contexts, total = toy()
    without = np.log(n / np.outer(words, contexts))
    difference = pair_optimum(n, words[:, None], contexts, total, 1) - without
    np.testing.assert_allclose(difference, np.log(total), rtol=1e-12)
    assert np.ptp(pair_optimum(n, words[:, None], contexts, total, 1) / without) > 0.1


# ------------------------------------------------------------------------------------- lecture and TF


def test_the_weight_of_glove_at_its_corner():
    """f(x) = (x/100)^¾ below 100, else 1; zero cells are skipped because f(0) = 0, so that ln 0 never counts."""
    assert glove_weight(100) == glove_weight(101) == glove_weight(1e9) == 1
    assert glove_weight(99.999999) == pytest.approx(1, abs=1e-7)  # continuous
    assert glove_weight(50) == pytest.approx(0.5**0.75, rel=1e-15)
    assert glove_weight(1) == pytest.approx(0.0316227766, rel=1e-9)
    assert glove_weight(0) == 0
    tiny = 10.0 ** -np.arange(2, 40, 4)
    weighed = glove_weight(tiny) * np.log(tiny) ** 2  # what a cell costs beside a score of 0, as x → 0
    assert np.all(np.diff(weighed) < 0)
    assert weighed[-1] < 1e-20


def test_edges_are_sampled_by_a_factor_for_each_class():
    """TF §3.2 puts one |E_c|/|𝓔_c| before the sum over c; it belongs inside, one for each class."""
    edges = np.array([(0, 1), *((i, j) for i in range(2, 7) for j in range(i + 1, 7))])
    classes = np.array([0] + [1] * 10)  # one edge, and ten
    form = EdgePenalty(csr_array(identity(7, format="csr")), edges, classes, np.ones(2))
    U = stream(13).standard_normal((7, 3))
    U[0] += 5  # the little class is far apart
    whole = form.value(U)
    squares = ((U[edges[:, 0]] - U[edges[:, 1]]) ** 2).sum(axis=1)
    assert whole == pytest.approx(squares.sum())
    inside, outside = (
        np.mean(
            [
                ((form.sample(4, 1.0, importance, stream(14, turn)) @ U) ** 2).sum()  # classes drawn alike
                for turn in range(1500)
            ]
        )
        for importance in (True, False)
    )
    assert inside == pytest.approx(whole, rel=0.05)
    half = 11 * (squares[0] + squares[1:].mean()) / 2  # one factor for all: 11 edges over 4 draws
    assert outside == pytest.approx(half, rel=0.05)
    assert outside > 1.5 * whole
