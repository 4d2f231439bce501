from __future__ import annotations

import numpy as np
import pytest

from morphvec.engine.local import LocalEngine
from morphvec.rng import stream
from morphvec.solvers.output import output_map

ONE = LocalEngine(1)


def factors(T=30, F=20, k=6, seed=0):
    """Factors whose columns differ in length and lean on each other."""
    generator = stream(seed)
    mix = generator.standard_normal((k, k))
    return generator.standard_normal((T, k)) @ mix, generator.standard_normal((F, k)) * np.linspace(0.2, 3, k)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-5), (np.float32, 1e-4)])
def test_vectors_times_contexts_is_the_product_of_the_factors(power, dtype, tolerance):
    U, S = (X.astype(dtype) for X in factors())
    served = output_map(U, S, power, ONE)
    vectors, contexts = served.apply(U, ONE), served.apply_features(S, ONE)
    assert vectors.dtype == contexts.dtype == np.float32
    product = U.astype(np.float64) @ S.astype(np.float64).T
    scale = np.abs(product).max()
    np.testing.assert_allclose(vectors @ contexts.T, product, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_it_is_the_singular_value_form(power):
    U, S = factors()
    left, sigma, _ = np.linalg.svd(U @ S.T, full_matrices=False)
    served = output_map(U, S, power, ONE)
    np.testing.assert_allclose(served.singular, sigma[:6], rtol=1e-9)
    vectors = U @ served.tokens
    np.testing.assert_allclose(vectors.T @ vectors, np.diag(sigma[:6] ** (2 * power)), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(np.abs(np.sum(vectors * left[:, :6], axis=0)), sigma[:6] ** power, rtol=1e-7)
    contexts = S @ served.features
    np.testing.assert_allclose(
        contexts.T @ contexts, np.diag(sigma[:6] ** (2 - 2 * power)), rtol=1e-7, atol=1e-7
    )


def test_how_the_factors_are_turned_or_scaled_does_not_show():
    """(U A)(S A⁻ᵀ)ᵀ = USᵀ: what is served depends on the product alone, but for signs."""
    U, S = factors()
    A = stream(5).standard_normal((6, 6)) + 3 * np.eye(6)
    one, two = output_map(U, S, 0.5, ONE), output_map(U @ A, S @ np.linalg.inv(A).T, 0.5, ONE)
    np.testing.assert_allclose(np.abs(U @ one.tokens), np.abs(U @ A @ two.tokens), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, -1.0])
def test_directions_of_no_length_become_zero(power):
    U, S = factors()
    U[:, 3] = 0
    S[:, 5] = S[:, 4]
    U[:, 5] = -U[:, 4]  # these two cancel in the product
    served = output_map(U, S, power, ONE)
    vectors, contexts = served.apply(U, ONE), served.apply_features(S, ONE)
    assert np.isfinite(vectors).all()
    assert np.isfinite(contexts).all()
    np.testing.assert_allclose(vectors @ contexts.T, U @ S.T, atol=1e-4)
    assert np.count_nonzero(np.linalg.norm(vectors, axis=0) > 1e-6) == 3


def test_factors_that_are_zero_serve_zeros():
    served = output_map(np.zeros((4, 2)), np.zeros((3, 2)), 0.0, ONE)
    assert not served.apply(np.ones((4, 2)), ONE).any()
    assert not served.apply_features(np.ones((3, 2)), ONE).any()


def test_the_map_of_the_words_is_the_map_of_their_parts():
    """U = B·P, so (B·P)·M = B·(P·M): a composed vector is composed of mapped parts."""
    generator = stream(3)
    B, P, (_, S) = generator.random((30, 40)), generator.standard_normal((40, 6)), factors()
    served = output_map(B @ P, S, 0.0, ONE)
    np.testing.assert_allclose(
        served.apply(B @ P, ONE), B @ served.apply(P, ONE).astype(np.float64), rtol=1e-4, atol=1e-5
    )
