"""Mean targets of levels, against scikit-learn's encoder by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler, TargetEncoder

from skneural import TableEncoder


def many_levels(n=300, n_levels=40):
    """A category of many levels, some missing, and a number that depends on it."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, n_levels, n)
    levels = np.array([f"level {c}" for c in codes], dtype=object)
    levels[::30] = None
    return levels.reshape(-1, 1), codes / n_levels + 0.3 * rng.standard_normal(n)


TARGETS = {
    "continuous": lambda y: 1e3 * y,
    "binary": lambda y: np.where(y > 0.5, "yes", "no"),
    "multiclass": lambda y: np.digitize(y, [0.2, 0.5]),
}


def mean_targets(train, y, target_type, rows):
    """What scikit-learn's encoder says of these rows, fitted to the training rows."""
    return TargetEncoder(target_type=target_type).fit(train, y).transform(rows)


@pytest.mark.parametrize("target_type", TARGETS)
@pytest.mark.parametrize("given", [True, False])
def test_many_levels_are_encoded_by_their_mean_targets(target_type, given):
    X, y = many_levels()
    y = TARGETS[target_type](y)
    encoder = TableEncoder(target_type=target_type if given else "auto", random_state=0)
    Z = encoder.fit_transform(X, y)
    present = ~np.equal(X[:, 0], None).astype(bool)
    known, target = X[present], y[present]
    single = ~pd.Series(known[:, 0]).duplicated(keep=False).to_numpy()
    assert single.sum() == 1
    overall = mean_targets(known, target, target_type, np.array([["unknown"]], dtype=object))
    full = mean_targets(known, target, target_type, known)
    full[single] = overall
    scaler = StandardScaler().fit(full)

    def clipped(means):
        return 3 * scaler.transform(means) / np.hypot(scaler.transform(means), 3)

    n_columns = full.shape[1]
    np.testing.assert_allclose(encoder.transform(X)[present, :n_columns], clipped(full), atol=1e-5)
    crossed = np.empty_like(full)
    for train, test in KFold(5, shuffle=True, random_state=0).split(known):
        crossed[test] = mean_targets(known[train], target[train], target_type, known[test])
    crossed[single] = overall
    np.testing.assert_allclose(Z[present, :n_columns], clipped(crossed), atol=1e-5)
    assert not Z[~present, :n_columns].any()
    np.testing.assert_allclose(Z[:, -1], ~present - np.mean(~present), atol=1e-7)
    np.testing.assert_allclose(encoder.transform([["unknown"]])[:, :n_columns], clipped(overall), atol=1e-5)
    endings = ["_0", "_1", "_2"] if target_type == "multiclass" else [""]
    names = list(encoder.get_feature_names_out())
    assert names[:n_columns] == [f"x0{end}" for end in endings]
    assert names[-1] == "x0_missing"
    # Besides, a tenth of what one column per level would be, for levels of three rows or more.
    counts = pd.Series(known[:, 0]).value_counts()
    frequent = sorted(counts.index[counts >= 3], key=str)
    assert len(frequent) < len(counts)
    assert names[n_columns:-1] == [f"x0_{level}" for level in [*frequent, "rare"]]
    indicators = np.array([[cell == level for level in frequent] + [cell not in frequent] for cell in known[:, 0]])
    expected = 0.1 * (indicators - indicators.mean(axis=0))
    for encoded in (Z, encoder.transform(X)):
        np.testing.assert_allclose(encoded[present, n_columns:-1], expected, atol=1e-6)
        assert not encoded[~present, n_columns:-1].any()


def test_the_number_of_levels_decides():
    X, y = many_levels()
    assert TableEncoder(max_levels=40).fit_transform(X).shape[1] == 41
    encoder = TableEncoder(max_levels=39).fit(X, y)
    assert list(encoder.get_feature_names_out()[[0, 1, -1]]) == ["x0", "x0_level 0", "x0_missing"]


def test_fit_and_fit_transform_learn_the_same():
    X, y = many_levels()
    fitted, other = TableEncoder().fit(X, y), TableEncoder()
    other.fit_transform(X, y)
    np.testing.assert_array_equal(fitted.transform(X), other.transform(X))


def test_folds_are_drawn_from_the_random_state():
    X, y = many_levels()
    first, same, other = (TableEncoder(random_state=seed).fit_transform(X, y) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_rare_classes_and_few_rows_do_not_matter():
    X = np.array([["a"], ["b"], ["c"]], dtype=object)
    assert np.isfinite(TableEncoder(max_levels=1).fit_transform(X, ["u", "v", "w"])).all()
    assert np.isfinite(TableEncoder(max_levels=1).fit_transform(X, ["u"] * 3)).all()
    assert np.isfinite(TableEncoder(max_levels=1).fit_transform(X, [1e308, -1e308, 0.5])).all()
    assert np.isfinite(TableEncoder(max_levels=1).fit_transform(X, [0.0, 0.0, 0.0])).all()


def test_targets_are_needed_and_checked():
    X, y = many_levels()
    with pytest.raises(ValueError, match=r"Column 0 of X has 40 levels, more than max_levels=30.*Expected y"):
        TableEncoder().fit(X)
    with pytest.raises(ValueError, match="different whole numbers, which may be classes or numbers"):
        TableEncoder().fit(X, np.arange(len(X)) % 50)
    assert TableEncoder(target_type="continuous").fit_transform(X, np.arange(len(X)) % 50).shape[1] > 1
    with pytest.raises(ValueError, match="one target, classes or numbers"):
        TableEncoder().fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="NaN"):
        TableEncoder(target_type="continuous").fit(X, np.where(y > 0.5, np.nan, y))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        TableEncoder().fit(X, y[1:])
    column = TableEncoder(random_state=0).fit_transform(X, y[:, np.newaxis])
    np.testing.assert_array_equal(column, TableEncoder(random_state=0).fit_transform(X, y))


def test_free_text_is_refused_with_advice():
    X = pd.DataFrame({"name": [f"passenger {i}" for i in range(200)]})
    with pytest.raises(ValueError, match=r"Column 'name' of X has 200 different texts in 200 rows.*skrub"):
        TableEncoder().fit(X, np.arange(200.0))
    X["name"] = [f"ford {i % 150}" for i in range(200)]
    assert TableEncoder().fit_transform(X, np.arange(200.0) / 3).shape == (200, 1)


@pytest.mark.parametrize(("n_present", "n_levels"), [(20, 20), (31, 30), (80, 77), (105, 100)])
def test_few_rows_of_free_text_are_refused_too(n_present, n_levels):
    cells = [f"passenger {i % n_levels}" for i in range(n_present)] + [None] * 10
    X, y = pd.DataFrame({"name": cells}), np.arange(n_present + 10) % 2
    with pytest.raises(
        ValueError, match=rf"Column 'name' of X has {n_levels} different texts in {n_present} rows.*skrub"
    ):
        TableEncoder(max_levels=5).fit(X, y)
    assert TableEncoder(max_levels=n_levels, min_frequency=None).fit_transform(X).shape[1] == n_levels + 1


@pytest.mark.parametrize(("n_rows", "n_levels"), [(19, 19), (20, 19), (80, 76), (200, 190)])
def test_text_that_repeats_or_has_few_rows_is_not_refused(n_rows, n_levels):
    X = pd.DataFrame({"name": [f"passenger {i % n_levels}" for i in range(n_rows)]})
    assert TableEncoder(max_levels=5).fit_transform(X, np.arange(n_rows) % 2).shape == (n_rows, 1)


# Levels of one row.


def repeated_and_single(n_single=60, n=90):
    """A category in which some levels have one row, others have two to four, and which rows have the former."""
    rng = np.random.default_rng(0)
    levels = np.append([f"single {i}" for i in range(n_single)], [f"level {i % 12}" for i in range(n - n_single)])
    levels = rng.permutation(levels).astype(object)
    return levels.reshape(-1, 1), np.char.startswith(levels.astype(str), "single"), rng.standard_normal(n)


@pytest.mark.parametrize("target_type", TARGETS)
def test_a_level_of_one_row_counts_as_unknown(target_type):
    X, single, y = repeated_and_single()
    encoder = TableEncoder(target_type=target_type, random_state=0)
    Z, target = encoder.fit_transform(X, TARGETS[target_type](y)), TARGETS[target_type](y)
    unknown = encoder.transform([["never seen"]])
    for encoded in (Z, encoder.transform(X)):
        np.testing.assert_array_equal(encoded[single], np.repeat(unknown, single.sum(), axis=0))
        assert encoded[~single].std() > 0.1
    means = mean_targets(X, target, target_type, X)
    means[single] = mean_targets(X, target, target_type, np.array([["never seen"]], dtype=object))
    scaled = StandardScaler().fit_transform(means)
    found = encoder.transform(X)[:, : scaled.shape[1]]
    np.testing.assert_allclose(found, 3 * scaled / np.hypot(scaled, 3), atol=1e-5)


def test_levels_of_one_row_alone_say_nothing():
    X, y = np.array([[f"n{i}"] for i in range(15)], dtype=object), np.arange(15) % 2
    encoder = TableEncoder(max_levels=10, random_state=0)
    assert not encoder.fit_transform(X, y).any()
    assert not encoder.transform(X).any()


def test_levels_of_one_fold_alone_get_the_overall_mean():
    X, y = np.array([[f"n{i // 2}"] for i in range(30)], dtype=object), np.arange(30) // 15
    encoder = TableEncoder(max_levels=10, random_state=0)
    Z = encoder.fit_transform(X, y).ravel()
    folds = np.empty(30)
    for fold, (_, test) in enumerate(KFold(5, shuffle=True, random_state=0).split(X)):
        folds[test] = fold
    together = np.repeat(folds[::2] == folds[1::2], 2)
    assert 0 < together.sum() < 30
    np.testing.assert_array_equal(Z[together], np.full(together.sum(), encoder.transform([["never seen"]]).item()))
