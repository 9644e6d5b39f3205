import numpy as np
import pytest

from skneural.preprocessing.moments import FactorMoments, ScatterMoments
from skneural.preprocessing.spectrum import (
    LeadingMoments,
    factor_spectrum,
    is_ill_conditioned,
    leading_spectrum,
    scatter_spectrum,
)


def rows(spread, n_rows=200, seed=0):
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((len(spread), len(spread))))[0]
    return rng.standard_normal((n_rows, len(spread))) * spread @ rotation


def spectra(X, weight=None):
    yield scatter_spectrum(ScatterMoments.of(X, weight))
    yield factor_spectrum(FactorMoments.of(X, weight))
    n_directions = X.shape[1]
    yield leading_spectrum(LeadingMoments.of(X, weight, n_directions, np.random.RandomState(0)))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_kinds_agree_with_the_covariance(weighted):
    X = rows(np.array([4.0, 2.0, 1.0, 0.5]))
    weight = np.random.default_rng(1).integers(0, 4, len(X)).astype(float) if weighted else None
    covariance = np.cov(X.T, fweights=None if weight is None else weight.astype(int))
    for spectrum in spectra(X, weight):
        rebuilt = spectrum.directions.T * spectrum.variances @ spectrum.directions
        np.testing.assert_allclose(rebuilt, covariance, atol=1e-12)
        np.testing.assert_allclose(spectrum.feature_variances, np.diag(covariance))
        assert (np.diff(spectrum.variances) <= 0).all()


def test_signs_do_not_depend_on_the_input():
    X = rows(np.array([4.0, 2.0, 1.0, 0.5]))
    for spectrum, mirrored in zip(spectra(X), spectra(-X), strict=True):
        np.testing.assert_allclose(spectrum.directions, mirrored.directions, atol=1e-12)
        assert (spectrum.directions.max(axis=1) >= -spectrum.directions.min(axis=1)).all()


def test_leading_directions_approximate_the_exact_ones():
    X = rows(np.geomspace(10, 0.1, 40), n_rows=500)
    exact = scatter_spectrum(ScatterMoments.of(X))
    found = leading_spectrum(LeadingMoments.of(X, None, 5, np.random.RandomState(0)))
    np.testing.assert_allclose(found.variances, exact.variances[:5], rtol=1e-6)
    np.testing.assert_allclose(found.directions, exact.directions[:5], atol=1e-3)


def test_leading_directions_refuse_missing_values():
    X = rows(np.ones(4))
    X[3, 2] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        LeadingMoments.of(X, None, 2, np.random.RandomState(0))


@pytest.mark.parametrize(("smallest", "doubtful"), [(1e-2, False), (1e-4, False), (1e-6, True), (0.0, True)])
def test_doubt_begins_where_digits_run_out(smallest, doubtful):
    assert is_ill_conditioned(ScatterMoments.of(rows(np.array([1.0, 0.5, smallest])))) is doubtful


def test_constant_features_raise_no_doubt():
    X = np.column_stack([rows(np.ones(3)), np.full(200, 3.7)])
    assert not is_ill_conditioned(ScatterMoments.of(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mean", [0.0, 1e3])
def test_a_dependent_feature_is_not_significant(dtype, mean):
    X = rows(np.ones(5)) + mean
    X[:, 4] = X[:, 0] + X[:, 1]
    X = X.astype(dtype)
    for spectrum in list(spectra(X))[:2]:
        found = spectrum.significant(X.mean(axis=0, dtype=float), float(np.finfo(dtype).eps), None)
        np.testing.assert_array_equal(found, [True] * 4 + [False])


def test_small_units_are_significant():
    """Features in units a million times smaller are small, but not rounding."""
    X = np.random.default_rng(0).standard_normal((300, 3)) * [1e3, 1.0, 1e-3]
    spectrum = factor_spectrum(FactorMoments.of(X))
    assert spectrum.significant(X.mean(axis=0), np.finfo(float).eps, None).all()
    assert spectrum.significant(X.mean(axis=0), np.finfo(float).eps, 1e-2).sum() == 1
