"""Channels and samples, which `MeanCenterer` and `StdScaler` share."""

import copy

import numpy as np
import pytest

from skneural.preprocessing import MeanCenterer, StdScaler

rng = np.random.default_rng(0)
IMAGES = rng.standard_normal((20, 4, 5, 3)) * [1.0, 5.0, 0.2] + [100.0, -3.0, 0.5]
FLATTENED = {
    "channels_last": IMAGES.reshape(20, -1),
    "channels_first": IMAGES.transpose(0, 3, 1, 2).reshape(20, -1),
}
both = pytest.mark.parametrize("kind", [MeanCenterer, StdScaler])


@both
@pytest.mark.parametrize("data_format", FLATTENED)
def test_a_channel_is_one_variable(kind, data_format):
    X = FLATTENED[data_format]
    fitted = kind(n_channels=3, data_format=data_format).fit(X)
    channels = fitted.transform(X)
    axes = (20, 4, 5, 3) if data_format == "channels_last" else (20, 3, 4, 5)
    channels = np.moveaxis(channels.reshape(axes), axes.index(3), 0).reshape(3, -1)
    np.testing.assert_allclose(channels.mean(axis=1), 0.0, atol=1e-12)
    expected = np.std(IMAGES, axis=(0, 1, 2)) if kind is MeanCenterer else 1.0
    np.testing.assert_allclose(channels.std(axis=1), expected)
    assert fitted.n_samples_seen_ == 20
    assert fitted.mean_.shape == (60,)
    np.testing.assert_allclose(fitted.inverse_transform(fitted.transform(X)), X)


@both
def test_one_channel_is_one_mean_for_all(kind):
    X = FLATTENED["channels_last"]
    np.testing.assert_allclose(kind(n_channels=1).fit(X).mean_, np.full(60, X.mean()))


@both
def test_channels_with_missing_values(kind):
    X = FLATTENED["channels_last"].copy()
    X[3, 4] = np.nan
    fitted = kind(n_channels=3).fit(X)
    np.testing.assert_allclose(fitted.mean_[:3], [np.nanmean(X[:, channel::3]) for channel in range(3)])
    assert np.isnan(fitted.transform(X)[3, 4])
    np.testing.assert_allclose(fitted.n_samples_seen_[:3], [20, 20 - 1 / 20, 20])


@both
def test_channels_must_divide_the_features(kind):
    with pytest.raises(ValueError, match="60 features, which n_channels=7 does not divide"):
        kind(n_channels=7).fit(FLATTENED["channels_last"])


@both
def test_merge_refuses_other_channels(kind):
    X = FLATTENED["channels_last"]
    fitted = kind(n_channels=3).fit(X)
    with pytest.raises(
        ValueError, match="n_channels=3, data_format='channels_last' here and n_channels=1 in the other"
    ):
        fitted.merge(kind(n_channels=1).fit(X))
    with pytest.raises(ValueError, match="'channels_last' here and n_channels=3, data_format='channels_first' in"):
        fitted.merge(kind(n_channels=3, data_format="channels_first").fit(X))


@both
def test_a_sample_estimates_the_mean_to_its_standard_error(kind):
    X = rng.standard_normal((20_000, 10)) * 3 + 7
    fitted = kind(subsample=1000, random_state=0).fit(X)
    error = fitted.mean_ - X.mean(axis=0)
    assert fitted.n_samples_seen_ == 1000
    assert 0 < np.abs(error).max() < 4 * 3 / np.sqrt(1000)
    again = kind(subsample=1000, random_state=0).fit(X)
    np.testing.assert_array_equal(fitted.mean_, again.mean_)


@both
def test_a_sample_of_all_rows_is_exact_and_streams_use_every_row(kind):
    X = rng.standard_normal((50, 3))
    weight = rng.random(50)
    np.testing.assert_array_equal(
        kind(subsample=50).fit(X, sample_weight=weight).mean_, kind().fit(X, sample_weight=weight).mean_
    )
    assert kind(subsample=5).partial_fit(X).n_samples_seen_ == 50
    assert kind(subsample=5).fit(X, sample_weight=np.full(50, 2.0)).n_samples_seen_ == 10


@both
def test_a_sample_leaves_out_rows_of_weight_zero(kind):
    X, weight = rng.standard_normal((50, 3)), np.zeros(50)
    weight[[4, 7, 30]] = 1.0, 2.0, 2.0
    for random_state in range(5):
        fitted = kind(subsample=2, random_state=random_state).fit(X, sample_weight=weight)
        assert fitted.n_samples_seen_ in (3, 4)
        assert np.isfinite(fitted.mean_).all()
    whole = kind(subsample=3).fit(X, sample_weight=weight)
    np.testing.assert_array_equal(whole.mean_, kind().fit(X, sample_weight=weight).mean_)


def test_true_is_no_number_of_channels():
    with pytest.raises(ValueError, match=r"'n_channels' parameter of MeanCenterer must be an int.*Got True"):
        MeanCenterer(n_channels=True).fit(np.arange(6.0).reshape(2, 3))


CHANGES = [{"n_channels": 1}, {"n_channels": None}, {"n_channels": 5}, {"data_format": "channels_first"}]


@both
@pytest.mark.parametrize("changed", CHANGES, ids=str)
def test_statistics_of_other_channels_are_not_added_to(kind, changed):
    X = FLATTENED["channels_last"]
    fitted = kind(n_channels=3).fit(X)
    expected = fitted.transform(X)
    fitted.set_params(**changed)
    for verb, rows in ((fitted.partial_fit, X), (fitted.merge, kind(n_channels=3).fit(X))):
        with pytest.raises(ValueError, match=r"was fitted with n_channels=3, .*, but now has .* Set the parameters"):
            verb(rows)
    assert fitted.n_samples_seen_ == 20
    np.testing.assert_array_equal(fitted.transform(X), expected)
    assert fitted.set_params(n_channels=3, data_format="channels_last").partial_fit(X).n_samples_seen_ == 40
    fresh = kind(**{"n_channels": 3, **changed}).fit(X)
    np.testing.assert_array_equal(fitted.set_params(**changed).fit(X).mean_, fresh.mean_)


@both
@pytest.mark.parametrize("n_channels", [None, 1])
def test_without_several_channels_the_format_may_change(kind, n_channels):
    X = FLATTENED["channels_last"]
    fitted = kind(n_channels=n_channels).fit(X).set_params(data_format="channels_first")
    whole = kind(n_channels=n_channels).fit(np.vstack([X, X[:5]]))
    np.testing.assert_allclose(fitted.partial_fit(X[:5]).mean_, whole.mean_)
    other = kind(n_channels=n_channels, data_format="channels_first").fit(X[:5])
    np.testing.assert_allclose(kind(n_channels=n_channels).fit(X).merge(other).mean_, whole.mean_)


@both
@pytest.mark.parametrize("changed", CHANGES, ids=str)
def test_a_copy_is_made_whatever_the_channels_are_to_become(kind, changed):
    X = FLATTENED["channels_last"].copy()
    X[:, 1::3] = np.nan
    fitted = kind(n_channels=3).fit(X).set_params(**changed)
    np.testing.assert_array_equal(copy.deepcopy(fitted).transform(X), fitted.transform(X))


@both
def test_moments_of_other_channels_than_fitted_are_damage(kind):
    fitted = kind(n_channels=3).fit(FLATTENED["channels_last"])
    fitted._fitted_pooling = {"n_channels": 5}
    with pytest.raises(ValueError, match=r"must be those of 5 channels. Got 3"):
        copy.deepcopy(fitted)
