"""Stochastic matrix factorization of PMI − ln k: what it comes to, its ridge, constraints and composition."""

from __future__ import annotations

import numpy as np
import pytest
from stored_cases import WORDS, counts, knowledge, offsets, spread, vocabulary, weighed

from morphvec.engine.local import LocalEngine
from morphvec.errors import OptionError
from morphvec.methods.composing import PartSettings
from morphvec.methods.smf import WEIGH, SmfOptions, fit
from morphvec.solvers.batch_options import BatchOptions
from morphvec.solvers.losses import pair_objective

ONE = LocalEngine(1)


def fitted(penalties=(), known=None, weight="curvature", **options):
    given = {} if known is None else {"knowledge": known}
    association = weighed(**{**WEIGH, "weight": weight})
    return fit(association, vocabulary(), SmfOptions(**options), penalties, engine=ONE, **given)


@pytest.mark.parametrize("weight", ["curvature", "count"])
@pytest.mark.parametrize(
    ("solver", "settings"),
    [
        ("als", {"epochs": 60, "cg_steps": 24, "ridge": 1e-4}),
        ("sgd", {"epochs": 3000, "batch": BatchOptions(updates="cell", learning_rate=0.05), "ridge": 0.0}),
    ],
)
def test_at_full_rank_the_products_are_shifted_pmi(weight, solver, settings):
    _, factors = fitted(weight=weight, dim=len(WORDS), solver=solver, **settings)
    n = counts().matrix.toarray()
    column = n.sum(axis=0) ** 0.75
    with np.errstate(divide="ignore"):
        pmi = np.log(n * column.sum() / (n.sum(axis=1)[:, None] * column)) - np.log(5)
    assert np.abs(factors.U @ factors.S.T - pmi)[n > 0].max() < (0.005 if solver == "als" else 0.05)


def test_the_defaults_lower_the_objective_and_leave_no_biases():
    model, factors = fitted(dim=4)
    assert len(factors.history) == 15
    assert factors.biases is None
    assert model.biases is None
    assert factors.history[-1]["total"] < 0.8 * factors.history[0]["total"]
    assert factors.history[-1]["ridge"] == pytest.approx(
        float(np.sum(factors.U**2) + np.sum(factors.S**2)), rel=1e-5
    )
    resolved = model.manifest["resolved"]
    assert (resolved["solver"], resolved["updates"], resolved["schedule"]) == ("sgd", "cell", "linear")
    np.testing.assert_array_equal(model.vectors, factors.U)


def test_cells_come_near_als_on_the_same_objective():
    als = min(fitted(dim=3, solver="als", epochs=40, seed=s)[1].history[-1]["total"] for s in range(3))
    batch = BatchOptions(updates="cell", learning_rate=0.05)
    sgd = min(fitted(dim=3, epochs=300, batch=batch, seed=s)[1].history[-1]["total"] for s in range(3))
    assert als * (1 - 1e-4) < sgd < 1.05 * als


@pytest.mark.parametrize("solver", [None, "adam"])
def test_constraints_make_offsets_equal(solver):
    plain, strong = (
        fitted(offsets(strength), dim=4, epochs=60, solver=solver)[1] for strength in (0.01, 100.0)
    )
    assert spread(strong.U) < 0.3 * spread(plain.U)
    assert strong.history[-1]["classes"]["offset"] < plain.history[0]["total"]


@pytest.mark.parametrize("solver", [None, "sgd", "adagrad", "adam"])
def test_composed_words_compose_unseen_ones(solver):
    pieces = PartSettings(("own", "lemma", "affixes"), None, 2)
    model, factors = fitted((), knowledge(), dim=3, pieces=pieces, epochs=6, solver=solver)
    assert model.known_parts("pulled") == ["lemma:pull", "affix:V;PST"]
    assert np.isfinite(model.vector_for("pulled")).all()
    assert np.linalg.norm(model.vector_for("pulled")) > 0
    assert model.manifest["resolved"].get("updates", "dense") == "dense"
    assert factors.history[-1]["total"] < factors.history[0]["total"] * 1.2
    parts = model.parts
    np.testing.assert_allclose(parts.composition @ parts.vectors, model.vectors, rtol=1e-4, atol=1e-5)


def test_what_it_does_not_fit_is_refused_by_name_with_the_mend():
    def refused(message, given, **options):
        with pytest.raises(OptionError, match=message):
            fit(given, vocabulary(), SmfOptions(dim=2, **options), [], engine=ONE)

    refused("association=log; method smf fits pmi; use --association pmi", weighed(association="log"))
    refused("unobserved cells", weighed(association="pmi", unobserved=0.1))
    refused(r"updates=cell, solver=adam", weighed(**WEIGH), solver="adam", batch=BatchOptions(updates="cell"))


def test_context_vectors_are_served_where_asked():
    (w, factors), (c, _), (both, _), (beside, _) = (
        fitted(dim=3, output=output) for output in ("w", "c", "w+c", "concat")
    )
    np.testing.assert_array_equal(w.vectors, factors.U)
    np.testing.assert_array_equal(c.vectors, factors.S)
    np.testing.assert_array_equal(both.vectors, factors.U + factors.S)
    np.testing.assert_array_equal(beside.vectors, np.concatenate([factors.U, factors.S], axis=1))


def test_adagrad_goes_by_mini_batches_where_weights_are_counts():
    model, factors = fitted(weight="count", dim=4, solver="adagrad", epochs=30)
    assert model.manifest["resolved"]["updates"] == "dense"
    assert factors.history[-1]["total"] < 0.5 * factors.history[0]["total"]
    assert "updates" not in SmfOptions.defaults({"solver": "adagrad"})
    assert SmfOptions.defaults({})["updates"] == "cell"


# ------------------------------------------------------------------------------------- the logistic loss

BY_CELLS = BatchOptions(updates="cell", learning_rate=0.05)


def pair_weights():
    """n and m of the observed cells, by their definition."""
    n = counts().matrix.toarray()
    column = n.sum(axis=0) ** 0.75
    return n, 5 * n.sum(axis=1)[:, None] * column / column.sum()


def test_the_logistic_objective_is_the_pair_objective_of_the_note_on_observed_cells():
    _, factors = fitted(dim=3, loss="logistic", epochs=3)
    n, _ = pair_weights()
    x = factors.U @ factors.S.T
    column = n.sum(axis=0) ** 0.75
    words = n.sum(axis=1)[:, None]
    loss = -pair_objective(x.astype(float), n, words, column, column.sum(), 5)[n > 0].sum()
    last = factors.history[-1]
    assert last["fit"] == pytest.approx(loss, rel=1e-5)
    assert last["ridge"] == pytest.approx(float(np.sum(factors.U**2) + np.sum(factors.S**2)) / 2, rel=1e-5)
    assert last["total"] == pytest.approx(last["fit"] + last["ridge"], rel=1e-12)


def test_at_full_rank_the_logistic_loss_has_the_same_answer():
    _, factors = fitted(dim=len(WORDS), loss="logistic", epochs=3000, batch=BY_CELLS, ridge=0.0)
    n, m = pair_weights()
    seen = n > 0
    gap = (factors.U @ factors.S.T)[seen] - np.log(n[seen] / m[seen])
    assert np.abs(gap).max() < 0.05


def test_at_low_rank_each_loss_is_best_at_its_own():
    n, m = pair_weights()
    seen, goal = n > 0, np.log(n, where=n > 0, out=np.zeros_like(n)) - np.log(m)
    found = {}
    for loss in ("squared", "logistic"):
        _, factors = fitted(dim=2, loss=loss, epochs=400, batch=BY_CELLS, ridge=0.0)
        x = factors.U @ factors.S.T
        found[loss] = (
            float((n * m / (n + m) * (x - goal) ** 2)[seen].sum()),
            float((n * np.logaddexp(0, -x) + m * np.logaddexp(0, x))[seen].sum()),
        )
    assert found["squared"][0] < found["logistic"][0]
    assert found["logistic"][1] < found["squared"][1]


def test_the_logistic_loss_has_the_same_bits_for_any_number_of_threads():
    made = [
        fit(
            weighed(**WEIGH),
            vocabulary(),
            SmfOptions(dim=3, loss="logistic", epochs=4),
            (),
            engine=LocalEngine(threads),
        )[0].vectors
        for threads in (1, 2, 4)
    ]
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])


def test_what_the_logistic_loss_cannot_do_is_refused_by_name():
    with pytest.raises(OptionError, match="loss='cubic'"):
        SmfOptions(loss="cubic")
    with pytest.raises(OptionError, match="weight=count"):
        fitted(loss="logistic", weight="count")
    for options in ({"solver": "als"}, {"validation": 0.1}, {"batch": BatchOptions()}):
        with pytest.raises(OptionError, match="loss=logistic"):
            fitted(dim=2, loss="logistic", **options)
    with pytest.raises(OptionError, match="loss=logistic"):
        fitted(offsets(1.0), dim=2, loss="logistic")
