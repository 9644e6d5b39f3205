"""temperature_scaling: probabilities as certain as rows deserve that were not trained on."""

import numpy as np
import pytest
from scipy.special import log_expit, log_softmax, logsumexp
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skneural import ActivationMLPClassifier, tabular_classifier
from skneural.estimators.class_labels import SingleClassWarning
from skneural.estimators.temperature_scaling import TemperatureScaling

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # few epochs are enough

X, digit = load_digits(return_X_y=True)
X = X / 16
rng = np.random.RandomState(0)
NOISY = np.where(rng.uniform(size=len(X)) < 0.3, rng.randint(10, size=len(X)), digit)
TARGETS = {
    "multiclass": NOISY,
    "binary": NOISY % 2,
    "multilabel": np.stack([NOISY % 2, NOISY > 4, NOISY == 0], axis=1).astype(int),
}
TARGET_KINDS = pytest.mark.parametrize("kind", TARGETS)
MEMBERS = pytest.mark.parametrize("n_members", [1, 3])
OPTIONS = {"hidden_layer_sizes": (30,), "max_iter": 30, "learning_rate_init": 0.02, "tol": 0, "random_state": 0}


def split(kind):
    return train_test_split(X, TARGETS[kind], train_size=500, test_size=400, random_state=0)


def mean_log_loss(F, y):
    """By hand, of raw outputs of shape (n_members, n_rows, n_outputs)."""
    if F.shape[2] == 10:
        log_p = logsumexp(log_softmax(F, axis=2), axis=0) - np.log(len(F))
        return -log_p[np.arange(len(y)), y].mean()
    log_p, log_q = (logsumexp(log_expit(each), axis=0) - np.log(len(F)) for each in (F, -F))
    y = y.reshape(len(log_p), -1)
    return -(y * log_p + (1 - y) * log_q).sum(axis=1).mean()


@TARGET_KINDS
@MEMBERS
def test_no_other_temperature_has_a_smaller_loss(kind, n_members):
    y = TARGETS[kind]
    Y = y.reshape(len(y), -1).astype(float) if kind != "multiclass" else y
    n_outputs = {"multiclass": 10, "binary": 1, "multilabel": 3}[kind]
    signal = np.eye(10)[y] if kind == "multiclass" else 2 * Y - 1
    F = 5 * signal + 8 * np.random.RandomState(0).standard_normal((n_members, len(y), n_outputs))
    scaling = TemperatureScaling(Y)
    found = scaling.minimize(F if n_members > 1 else F[0])
    by_hand = {T: mean_log_loss(F / T, y) for T in np.geomspace(0.2, 20, 120)}
    assert scaling.temperature == pytest.approx(min(by_hand, key=by_hand.get), rel=0.03)
    assert 1.5 < scaling.temperature < 15
    assert found == pytest.approx(min(by_hand.values()), rel=0.01)  # its targets are smoothed by one row's label


def test_weights_are_repetitions():
    rng = np.random.RandomState(0)
    F, y, weight = 4 * rng.standard_normal((200, 10)), rng.randint(10, size=200), rng.randint(3, size=200)
    F[np.arange(100), y[:100]] += 9
    weighted, repeated = TemperatureScaling(y, weight), np.repeat(np.arange(200), weight)
    weighted.minimize(F)
    others = TemperatureScaling(y[repeated])
    others.minimize(F[repeated])
    assert weighted.temperature == pytest.approx(others.temperature, rel=0.02)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_that_are_all_right_do_not_ask_for_certainty(dtype):
    y = np.arange(400) % 4
    scaling = TemperatureScaling(y)
    scaling.minimize(10 * np.eye(4, dtype=dtype)[y])
    p = 1 / (1 + 3 * np.exp(-10 / scaling.temperature))
    assert 1 - p == pytest.approx(3 / 4 / 401, rel=0.2)  # of 401 rows one has another's label, often the same


@pytest.mark.parametrize(
    "F", [np.zeros((5, 1)), np.full((5, 1), np.nan), np.full((5, 1), 1e300)], ids=["0", "nan", "1e300"]
)
def test_outputs_that_tell_nothing_are_not_scaled(F):
    scaling = TemperatureScaling(np.array([[0.0], [1.0], [1.0], [0.0], [1.0]]))
    with np.errstate(all="ignore"):
        loss = scaling.minimize(F)
    assert scaling.temperature == 1
    assert np.isfinite(loss) or np.isnan(F).all()


@TARGET_KINDS
@MEMBERS
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_output_layer_is_divided_and_nothing_else(kind, n_members, solver, backend):
    X_train, X_val, y_train, y_val = split(kind)
    options = {**OPTIONS, "solver": solver, "n_members": n_members}
    plain = ActivationMLPClassifier(**options).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    model = ActivationMLPClassifier(temperature_scaling=True, **options).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    assert plain.temperature_ == 1
    assert model.temperature_ > 1.1  # labels that are partly noise are overfitted
    np.testing.assert_array_equal(model.coefs_[0], plain.coefs_[0])
    np.testing.assert_allclose(model.coefs_[-1] * model.temperature_, plain.coefs_[-1], rtol=1e-12)
    np.testing.assert_allclose(model.intercepts_[-1] * model.temperature_, plain.intercepts_[-1], rtol=1e-12)
    assert model.loss_curve_ == plain.loss_curve_
    if kind != "multilabel":
        assert log_loss(y_val, model.predict_proba(X_val)) < log_loss(y_val, plain.predict_proba(X_val))
        assert model.validation_loss_curve_[-1] == pytest.approx(log_loss(y_val, model.predict_proba(X_val)), rel=0.01)


@pytest.mark.parametrize("early_stopping", [True, "refit", "continue", "cross_validation"])
def test_new_rows_are_predicted_with_a_smaller_loss(early_stopping, backend):
    X_train, X_test, y_train, y_test = split("multiclass")
    options = {**OPTIONS, "early_stopping": early_stopping, "validation_fraction": 0.25}
    plain = ActivationMLPClassifier(**options).fit(X_train, y_train)
    model = ActivationMLPClassifier(temperature_scaling=True, **options).fit(X_train, y_train)
    assert model.n_iter_ == plain.n_iter_  # the epoch is chosen by the accuracy
    np.testing.assert_array_equal(model.predict(X_test), plain.predict(X_test))
    assert log_loss(y_test, model.predict_proba(X_test)) < log_loss(y_test, plain.predict_proba(X_test))
    again = clone(model).fit(X_train, y_train)
    np.testing.assert_array_equal(again.parameters_, model.parameters_)


def test_early_stopping_does_not_take_certainty_for_overfitting():
    X_train, X_val, y_train, y_val = split("multiclass")
    options = {**OPTIONS, "max_iter": 60, "early_stopping": True, "scoring": "loss", "n_iter_no_change": 60}
    plain = ActivationMLPClassifier(**options).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    model = ActivationMLPClassifier(temperature_scaling=True, **options).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    assert np.argmax(model.validation_scores_) > np.argmax(plain.validation_scores_)
    assert max(model.validation_scores_) > max(plain.validation_scores_)
    np.testing.assert_array_less(model.validation_loss_curve_, np.array(plain.validation_loss_curve_) + 0.01)


def test_label_smoothing_does_not_count_as_uncertainty():
    X_train, X_val, y_train, y_val = train_test_split(X, digit, test_size=400, random_state=0)
    options = {**OPTIONS, "max_iter": 40, "label_smoothing": 0.3}
    model = ActivationMLPClassifier(temperature_scaling=True, **options).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    assert model.temperature_ < 0.7
    assert log_loss(y_val, model.predict_proba(X_val)) < 0.15


def test_one_class_has_nothing_to_scale():
    with pytest.warns(SingleClassWarning):
        model = ActivationMLPClassifier(temperature_scaling=True, early_stopping=True, **OPTIONS).fit(
            X, np.zeros(len(X))
        )
    assert np.isfinite(model.temperature_)
    np.testing.assert_array_equal(model.predict_proba(X[:3]), np.ones((3, 1)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs rows that are not trained on: set early_stopping, or pass X_val and y_val to fit. Got neither"),
        ({"early_stopping": True, "warm_start": True}, "so training cannot continue. Got warm_start=True"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ActivationMLPClassifier(temperature_scaling=True, **options).fit(X, digit)


@pytest.mark.parametrize("requested", [True, np.True_])
def test_partial_fit_is_refused(requested):
    with pytest.raises(ValueError, match="Got a call of partial_fit"):
        ActivationMLPClassifier(temperature_scaling=requested).partial_fit(X, digit, classes=np.arange(10))


@pytest.mark.parametrize(
    ("n_rows", "expected"), [(200, 0.25**0.5), (20, 0.25 ** (1 / 11)), (20000, 0.25 ** (100 / 101))]
)
def test_few_rows_do_not_ask_for_certainty(n_rows, expected):
    scaling = TemperatureScaling(np.arange(n_rows) % 2)
    scaling.temperature = 0.25
    assert scaling.cautious_temperature() == pytest.approx(expected)
    scaling.temperature = 4.0
    assert scaling.cautious_temperature() == 4


def test_a_noisy_table_pays_little_for_a_temperature_below_1():
    X, y = make_classification(2400, n_features=20, n_informative=5, flip_y=0.2, random_state=0)
    model = tabular_classifier(early_stopping="continue", random_state=0).fit(X[:400], y[:400])
    network = model[-1]
    assert network.temperature_ < 1
    with_temperature = log_loss(y[400:], model.predict_proba(X[400:]))
    network.coefs_[-1][...] *= network.temperature_
    network.intercepts_[-1][...] *= network.temperature_
    assert with_temperature < log_loss(y[400:], model.predict_proba(X[400:])) + 0.03  # it was 0.06 more
