"""GloVe: the cost of the published program, its defaults, als beside it, constraints and composition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stored_cases import STEMS, WORDS, counts, knowledge, offsets, spread, vocabulary, weighed

from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError, OptionError
from morphvec.methods.composing import PartSettings
from morphvec.methods.glove import WEIGH, GloveOptions, fit, published_cost
from morphvec.solvers.batch_options import BatchOptions
from morphvec.training import LoopControl

ONE = LocalEngine(1)


def association():
    return weighed(**WEIGH)


def fitted(penalties=(), known=None, **options):
    given = {} if known is None else {"knowledge": known}
    return fit(association(), vocabulary(), GloveOptions(**options), penalties, engine=ONE, **given)


def test_the_published_cost_by_hand():
    from scipy.sparse import csr_array

    n = csr_array([[0.5, 0.0], [7.0, 250.0]])
    W, C = np.array([[0.1, 0.2], [0.3, -0.4]]), np.array([[1.0, 0.5], [-0.5, 2.0]])
    b, c = np.array([0.25, -0.5]), np.array([0.125, 1.0])
    total = 0.0
    for t, f, count in ((0, 0, 0.5), (1, 0, 7.0), (1, 1, 250.0)):
        weight = 1.0 if count > 100 else (count / 100) ** 0.75
        total += weight * 0.5 * (W[t] @ C[f] + b[t] + c[f] - math.log(count)) ** 2
    assert published_cost(W, C, b, c, n) == pytest.approx(total / 3, rel=1e-12)
    more = published_cost(W, C, b, c, n, x_max=10, exponent=1.0)
    assert more == pytest.approx(
        sum(
            min(1, count / 10) * 0.5 * (W[t] @ C[f] + b[t] + c[f] - math.log(count)) ** 2
            for t, f, count in ((0, 0, 0.5), (1, 0, 7.0), (1, 1, 250.0))
        )
        / 3,
        rel=1e-12,
    )
    with pytest.raises(InputError, match="not above 0"):
        published_cost(W, C, b, c, csr_array(([0.0, 1.0], ([0, 1], [0, 1]))))


@pytest.mark.parametrize("solver", [None, "als"])
def test_the_fit_of_the_history_is_twice_the_published_cost_over_all_cells(solver):
    model, factors = fitted(dim=3, solver=solver, epochs=4)
    n = counts().matrix
    cost = published_cost(factors.U, factors.S, *factors.biases, n)
    assert factors.history[-1]["fit"] == pytest.approx(2 * cost * n.nnz, rel=1e-5)
    assert factors.history[-1]["unobserved"] == 0.0
    served = published_cost(*_sides(model), *model.biases, n)  # als is turned for serving: the products stay
    assert served == pytest.approx(cost, rel=1e-4)


def _sides(model):
    """Word and context vectors of a model that serves their sum."""
    return model.vectors - model.contexts, model.contexts


def test_the_defaults_are_the_published_ones():
    model, factors = fitted(dim=4)
    assert len(factors.history) == 25
    assert factors.history[0]["learning_rate"] == factors.history[-1]["learning_rate"] == 0.05
    assert all(entry["ridge"] == 0.0 for entry in factors.history)
    assert model.manifest["resolved"] == {
        "solver": "adagrad", "epochs": 25, "output": "w+c", "power": None, "ridge_own": 0.0, "ridge_parts": 0.0,
        "ridge_features": 0.0, "updates": "cell", "schedule": "constant", "learning_rate": 0.05,
    }  # fmt: skip
    np.testing.assert_allclose(model.vectors, factors.U + factors.S, rtol=1e-6)
    for served, trained in zip(model.biases, factors.biases, strict=True):
        np.testing.assert_array_equal(served, trained)
    totals = [entry["total"] for entry in factors.history]
    assert totals == sorted(totals, reverse=True)


def test_als_comes_to_a_lower_cost_in_fewer_epochs():
    _, adagrad = fitted(dim=4)
    model, als = fitted(dim=4, solver="als", epochs=4, ridge=0.01)
    assert als.history[-1]["fit"] < 0.5 * adagrad.history[-1]["fit"]
    assert model.manifest["resolved"]["power"] == 0.5
    totals = [entry["total"] for entry in als.history]
    assert totals == sorted(totals, reverse=True)


@pytest.mark.parametrize(
    ("solver", "settings", "closeness"),
    [
        ("als", {"ridge": 1e-6, "epochs": 200, "cg_steps": 24}, 0.01),
        ("adagrad", {"epochs": 1500, "batch": BatchOptions(updates="cell", learning_rate=0.3)}, 0.02),
    ],
)
def test_at_full_rank_the_scores_are_the_logarithms(solver, settings, closeness):
    _, factors = fitted(dim=len(WORDS), solver=solver, **settings)
    n = counts().matrix.toarray()
    b, c = factors.biases
    scores = factors.U @ factors.S.T + b[:, None] + c
    assert np.abs(scores - np.log(np.maximum(n, 1e-9)))[n > 0].max() < closeness


def test_constraints_choose_als_and_make_offsets_equal():
    plain, weak, strong = (
        fitted(offsets(strength), dim=4, epochs=30, solver="als") for strength in (0.0, 1.0, 1000.0)
    )
    distances = [spread(factors.U) for _, factors in (plain, weak, strong)]
    assert distances[2] < 0.05 < distances[1] < distances[0]
    model, factors = fitted(offsets(1.0), dim=4)
    assert model.manifest["resolved"]["solver"] == "als"
    assert factors.history[-1]["classes"]["offset"] > 0
    other, batches = fitted(offsets(1.0), dim=4, solver="adagrad", epochs=20)
    assert other.manifest["resolved"]["updates"] == "dense"
    assert batches.history[-1]["total"] < batches.history[0]["total"]


def test_composed_words_compose_unseen_ones():
    pieces = PartSettings(("own", "lemma", "affixes"), None, 2)
    model, factors = fitted((), knowledge(), dim=3, pieces=pieces, epochs=6)
    assert model.manifest["resolved"]["solver"] == "als"
    assert model.manifest["resolved"]["output"] == "w"
    assert model.known_parts("pulled") == ["lemma:pull", "affix:V;PST"]
    parts = model.parts
    np.testing.assert_allclose(parts.composition @ parts.vectors, model.vectors, rtol=1e-4, atol=1e-5)
    row = STEMS.index("pull")
    weight = parts.weights["lemma"], parts.weights["affixes"]
    wanted = (weight[0] * parts.vectors[row] + weight[1] * parts.vectors[len(WORDS)]) / 3
    np.testing.assert_allclose(model.vector_for("pulled"), wanted, rtol=1e-4, atol=1e-6)
    totals = [entry["total"] for entry in factors.history]
    assert totals == sorted(totals, reverse=True)


def test_what_it_does_not_fit_is_refused_by_name_with_the_mend():
    def refused(message, given=None, **options):
        with pytest.raises(OptionError, match=message):
            fit(
                given or association(), vocabulary(), GloveOptions(dim=2, **options), offsets(1.0), engine=ONE
            )

    refused("association=ppmi; method glove fits log; use --association log", weighed())
    refused(
        r"unobserved cells of weight 0\.3; .* observed cells alone; use --unobserved 0",
        weighed(**{**WEIGH, "unobserved": 0.3}),
    )
    refused("updates=cell with constraints", solver="adagrad", batch=BatchOptions(updates="cell"))
    for name, value in {"ridge": -1.0, "power": 9.0, "output": "sum", "solver": "lbfgs", "dim": 0}.items():
        with pytest.raises(OptionError, match=f"{name}="):
            GloveOptions(**{name: value})


@pytest.mark.parametrize("solver", [None, "als"])
def test_a_run_from_a_checkpoint_has_the_bits_of_the_whole(solver):
    class Memory:
        def __init__(self, start=None):
            self.saved, self.start = [], start

        def save(self, epochs_done, state, history):
            copied = {name: np.array(array) for name, array in state.items()}
            self.saved.append((epochs_done, copied, [dict(entry) for entry in history]))

        def load(self):
            return self.start

        def describe(self):
            return "in memory"

    def run(keeper):
        options = GloveOptions(dim=3, solver=solver, epochs=5)
        return fit(association(), vocabulary(), options, [], loop=LoopControl(2, keeper), engine=ONE)[0]

    keeper = Memory()
    whole = run(keeper)
    assert len(keeper.saved) == 2
    for start in keeper.saved:
        again = run(Memory(start))
        assert again.vectors.tobytes() == whole.vectors.tobytes()
        assert again.biases[0].tobytes() == whole.biases[0].tobytes()


def test_the_defaults_by_name_follow_what_is_given():
    free = GloveOptions.defaults({})
    assert free == {
        "solver": "adagrad", "output": "w+c", "power": None, "updates": "cell", "schedule": "constant", "epochs": 25,
    }  # fmt: skip
    assert GloveOptions.defaults({"parts": "own,ngrams"}) == {"solver": "als", "output": "w", "power": None}
    assert GloveOptions.defaults({"unimorph": ("eng.tsv",)})["solver"] == "als"
    assert "updates" not in GloveOptions.defaults({"solver": "als"})
    assert "epochs" not in GloveOptions.defaults({"updates": "dense"})
