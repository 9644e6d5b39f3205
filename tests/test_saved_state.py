"""The stamp on what is saved, and the check of what is loaded: for each estimator, with pickle, copy, joblib."""

import copy
import io
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline

import skneural
from skneural import (
    ELU,
    Activation,
    ActivationMLPClassifier,
    ActivationMLPRegressor,
    MeanCenterer,
    PCAWhitener,
    PiecewiseLinearEncoder,
    SmoothClipper,
    StdScaler,
    TableEncoder,
    VersionWarning,
    tabular_classifier,
)
from skneural.deployment import save
from skneural.losses import LogisticLoss

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skneural.inspection.DeadUnitsWarning"),
]

X, y = load_iris(return_X_y=True)
binary = y == 1
labels = np.column_stack([y == 0, y > 0, X[:, 0] > 6]).astype(int)
frame = pd.DataFrame(X, columns=list("abcd"))
rng = np.random.RandomState(0)
correlated = pd.DataFrame(rng.normal(size=(500, 1)) + 0.1 * rng.normal(size=(500, 4)), columns=list("abcd"))
correlated["d"] = correlated["a"] + 0.001 * correlated["d"]  # a direction that is left out
FAST = {"hidden_layer_sizes": (5, 3), "max_iter": 3, "random_state": 0}
STOP = {"early_stopping": True, "validation_fraction": 0.2}

FITTED = {
    "classifier": lambda: ActivationMLPClassifier(**FAST).fit(X, y),
    "binary": lambda: ActivationMLPClassifier(**FAST, activation="prelu").fit(X, binary),
    "multilabel": lambda: ActivationMLPClassifier(**FAST, activation="maxout").fit(X, labels),
    "linear": lambda: ActivationMLPClassifier((), max_iter=3).fit(X.astype(np.float32), y.astype(str)),
    "batch norm": lambda: ActivationMLPClassifier(**FAST, batch_norm=True, warm_start=True, **STOP).fit(frame, y),
    "part by part": lambda: ActivationMLPClassifier(**FAST, activation=ELU()).partial_fit(
        X[:100], y[:100], classes=[0, 1, 2]
    ),
    "regressor": lambda: ActivationMLPRegressor(**FAST, solver="lbfgs").fit(X, X[:, :2]),
    "counts": lambda: ActivationMLPRegressor(**FAST, loss="poisson").set_output(transform="pandas").fit(X, y),
    "centerer": lambda: MeanCenterer(n_channels=2).fit(frame),
    "scaler": lambda: StdScaler().fit(X),
    "scaler of scale": lambda: StdScaler(with_mean=False).fit(X),
    "scaler of nothing": lambda: StdScaler(with_mean=False, with_std=False).fit(X),
    "scaler with a gap": lambda: StdScaler().fit(np.c_[X, np.full(len(X), np.nan)]),
    "whitener": lambda: PCAWhitener().fit(X),
    "whitener of few rows": lambda: PCAWhitener(n_components=2).fit(X[:3]),
    "whitener in single precision": lambda: PCAWhitener(n_components=2).fit(X.astype(np.float32)),
    "whitener by random directions": lambda: PCAWhitener(2, svd_solver="randomized", random_state=0).fit(X),
    "whitener part by part": lambda: PCAWhitener(method="zca").partial_fit(X[:75]).partial_fit(X[75:]),
    "clipper": lambda: SmoothClipper().fit(frame),
    "encoder": lambda: PiecewiseLinearEncoder(min_rows=1).fit(X),
    "encoder without bins": lambda: PiecewiseLinearEncoder().fit(X),
    "scaler in single precision": lambda: StdScaler().fit(X.astype(np.float32)),
    "encoder in single precision": lambda: PiecewiseLinearEncoder(min_rows=1).fit(X.astype(np.float32)),
    "table with weak components": lambda: TableEncoder().fit(correlated),
    "table": lambda: TableEncoder(["a", "b"], max_levels=30, random_state=0).fit(frame, y),
}


@pytest.fixture(params=FITTED)
def fitted(request):
    return FITTED[request.param]()


def output(estimator):
    """Return what an estimator makes of X, as an array."""
    rows = np.c_[X, X[:, :1]] if estimator.n_features_in_ == 5 else X
    rows = pd.DataFrame(rows, columns=estimator.feature_names_in_) if hasattr(estimator, "feature_names_in_") else rows
    method = next(name for name in ("predict_proba", "predict", "transform") if hasattr(estimator, name))
    return np.asarray(getattr(estimator, method)(rows))


def saved_by(version, estimator, monkeypatch):
    """Return the pickle that another version would have written."""
    with monkeypatch.context() as patch:
        patch.setattr("skneural.saved_state.__version__", version)
        return pickle.dumps(estimator)


def restored(estimator, **changes):
    """Return the estimator made of a changed state; None takes a name out."""
    state = {**estimator.__getstate__(), **changes}
    blank = type(estimator).__new__(type(estimator))
    blank.__setstate__({name: value for name, value in state.items() if value is not MISSING})
    return blank


MISSING = "(left out)"


def test_the_same_version_loads_without_a_word(fitted):
    expected = output(fitted)
    for loaded in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted), copy.copy(fitted)):
        np.testing.assert_array_equal(output(loaded), expected)


def test_a_file_maps_into_memory(fitted, tmp_path):
    joblib.dump(fitted, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    np.testing.assert_array_equal(output(loaded), output(fitted))
    if hasattr(loaded, "parameters_"):
        assert isinstance(loaded.parameters_, np.memmap)
        assert not loaded.parameters_.flags.writeable
        assert np.shares_memory(loaded.coefs_[0], loaded.parameters_)


@pytest.mark.parametrize("version", ["0.0.1", "99.0"])
def test_another_version_is_named(fitted, version, monkeypatch):
    content = saved_by(version, fitted, monkeypatch)
    name = type(fitted).__name__
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded = pickle.loads(content)
    np.testing.assert_array_equal(output(loaded), output(fitted))
    assert {each.category for each in caught} == {VersionWarning}  # of the steps inside, too
    (warning,) = (each.message for each in caught if each.message.estimator_name == name)
    assert f"{name} was saved by skneural {version}" in str(warning)
    assert (warning.saved_by, warning.loaded_by) == (version, skneural.__version__)
    pickle.loads(pickle.dumps(warning))  # warnings travel between processes


def test_a_file_without_a_stamp_loads_with_a_warning(fitted):
    with pytest.warns(VersionWarning, match="of unknown version"):
        loaded = restored(fitted, _skneural_version=MISSING)
    np.testing.assert_array_equal(output(loaded), output(fitted))


def test_a_new_parameter_is_filled_in(fitted, monkeypatch):
    name = sorted(fitted.get_params())[0]
    with pytest.warns(VersionWarning):
        loaded = restored(fitted, **{name: MISSING, "_skneural_version": "0.0.1"})
    assert getattr(loaded, name) == type(fitted)().get_params()[name]


@pytest.mark.parametrize("name", ["skip_connections", "calibration_", "_rotation"])
def test_what_only_another_version_understands_is_refused(fitted, name):
    message = rf"This {type(fitted).__name__} has {name}, which skneural .* Load it with skneural 99.0, or fit it again"
    with pytest.raises(ValueError, match=message):
        restored(fitted, **{name: True, "_skneural_version": "99.0"})


def test_attributes_of_ones_own_are_kept(fitted):
    fitted.note = "fitted on Monday"
    assert copy.deepcopy(fitted).note == "fitted on Monday"


class Doubled(ActivationMLPRegressor):
    """A user's own estimator, with a fitted attribute of its own."""

    def fit(self, X, y):
        self.factor_ = 2
        return super().fit(X, y / 2)

    def predict(self, X):
        return self.factor_ * super().predict(X)


def test_a_users_subclass_has_attributes_of_its_own(monkeypatch):
    fitted = Doubled(**FAST).fit(X, y)
    with pytest.warns(VersionWarning, match="Doubled was saved by skneural 99"):
        loaded = pickle.loads(saved_by("99", fitted, monkeypatch))
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))


class Brief(ActivationMLPRegressor):
    """A user's own estimator, whose constructor leaves most parameters to the base."""

    def __init__(self, alpha=0.1):
        super().__init__(**FAST, alpha=alpha)


def test_a_new_parameter_of_the_base_is_filled_in():
    with pytest.warns(VersionWarning):
        loaded = restored(Brief().fit(X, y), l1_ratio=MISSING, **OTHER)
    assert loaded.l1_ratio == 0.0
    assert loaded.alpha == 0.1


class Halved(Activation):
    """A user's own activation, with something besides its settings."""

    def __init__(self):
        self.factor = 0.5

    def forward(self, Z, out=None):
        return np.multiply(Z, self.factor, out=out)

    def backward(self, dA, Z, A, out=None):
        return np.multiply(dA, self.factor, out=out)


def test_a_users_activation_has_attributes_of_its_own():
    fitted = ActivationMLPClassifier(**FAST, activation=Halved()).fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))


def test_what_was_not_fitted_is_not_checked(fitted):
    unfitted = clone(fitted)
    unfitted.random_state = unfitted.limit = unfitted.n_bins = "wrong, as fit will say"
    assert copy.deepcopy(unfitted).limit == unfitted.limit


@pytest.mark.parametrize("params", [{"solver": "quantum"}, {"alpha": -1}, {"activation": ELU(alpha=-1)}], ids=str)
@pytest.mark.parametrize("name", ["classifier", "regressor"])
def test_parameters_that_only_the_next_fit_uses_do_not_keep_a_fitted_network_from_being_copied(name, params):
    fitted = FITTED[name]()
    expected = output(fitted)
    fitted.set_params(**params)
    for loaded in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted), copy.copy(fitted)):
        np.testing.assert_array_equal(output(loaded), expected)
        with pytest.raises(ValueError, match=r"The '(solver|alpha)' parameter of .* must be"):
            loaded.fit(X, y)


@pytest.mark.parametrize("strange", [None, -1, np.nan, "x", np.zeros(0), np.zeros((2, 2)), {}, [None]], ids=str)
@pytest.mark.parametrize("fit", ["fit", "partial_fit"])
def test_strange_parameters_of_a_network_are_refused_by_the_next_fit_or_harmless(strange, fit):
    fitted = FITTED["classifier"]()
    expected = output(fitted)
    for name in fitted.get_params(deep=False):
        loaded = restored(fitted, **{name: strange})
        np.testing.assert_array_equal(output(loaded), expected, err_msg=name)
        try:
            getattr(loaded, fit)(X, y)
        except (ValueError, TypeError, AttributeError):  # the last where no solver says that there is a partial_fit
            np.testing.assert_array_equal(output(loaded), expected, err_msg=name)
        assert np.isfinite(output(loaded)).all(), name


# State that must be refused: fitted estimator, what is changed, what the message says.
NAN, OTHER = np.full(4, np.nan), {"_skneural_version": "99.0"}
DAMAGE = [
    (
        "classifier",
        {"parameters_": np.zeros(7)},
        r"parameters_ must be an array of float32 or float64 of shape \(55,\)",
    ),
    ("classifier", {"parameters_": np.full(55, np.nan)}, "parameters_ must be finite"),
    ("classifier", {"parameters_": np.zeros(55, dtype=int)}, "Got int64 of shape"),
    ("classifier", {"parameters_": MISSING}, "AttributeError: .*parameters_"),
    (
        "classifier",
        {"n_features_in_": 3},
        r"the first and last of the sizes \(3, 3\).* Got layers of the sizes \[4, 5, 3, 3\]",
    ),
    ("classifier", {"n_features_in_": MISSING}, "AttributeError: .*n_features_in_"),
    ("classifier", {"n_features_in_": "4"}, "n_features_in_ must be an int > 0. Got '4'"),
    ("classifier", {"_sizes": [4, 5, 3, 4]}, "the first and last of the sizes"),
    ("classifier", {"_sizes": [4, 3, 5, 3]}, "parameters_ must be an array of float32 or float64 of shape"),
    ("classifier", {"_sizes": [4, 10**15, 3, 3]}, "a parameter per unit at least"),
    ("classifier", {"_sizes": [4, -5, 3, 3]}, "a parameter per unit at least"),
    ("classifier", {"activations_": [ELU()]}, "There must be 3 layers"),
    ("classifier", {"activations_": ["quantum", ELU()]}, "There must be a Activation. Got 'quantum'"),
    ("classifier", {"activations_": [ELU(alpha=-1), ELU()]}, "'alpha' parameter of ELU must be"),
    ("classifier", {"solver": MISSING}, "AttributeError: .*solver"),
    ("classifier", {"classes_": np.arange(4)}, "classes_ must be 3 sorted labels"),
    ("classifier", {"classes_": np.array([1, 0, 2])}, "classes_ must be 3 sorted labels"),
    ("classifier", {"_multilabel": True}, "The loss must be LogisticLoss"),
    ("classifier", {"out_activation_": "identity"}, "out_activation_ must be 'softmax'"),
    ("binary", {"n_outputs_": 2}, "the first and last of the sizes"),
    ("binary", {"_loss": None}, "There must be a Loss. Got None"),
    ("batch norm", {"_batch_norm": False}, "parameters_ must be an array of float32 or float64 of shape"),
    ("batch norm", {"feature_names_in_": np.array(["a"], dtype=object)}, "feature_names_in_ must be 4 strings"),
    ("classifier", {"_n_epochs": -1}, "_n_epochs must be an int >= 0. Got -1"),
    ("classifier", {"t_": 1.5}, "t_ must be an int >= 0. Got 1.5"),
    (
        "batch norm",
        {"_training_state": {"latest": np.zeros(2)}},
        "The training's parameters must be an array of float32",
    ),
    ("batch norm", {"_training_state": {"slots": [np.zeros(1)]}}, "The solver's state must be an array of float32"),
    ("regressor", {"_loss": None}, "There must be a Loss"),
    ("regressor", {"_loss": LogisticLoss(), "out_activation_": "logistic"}, "The loss must be one for regression"),
    ("centerer", {"mean_": None}, r"mean_ must be an array of float64 of shape \(4,\). Got None"),
    ("centerer", {"n_channels": 0}, "The 'n_channels' parameter of MeanCenterer"),
    ("centerer", {"_moments": {}}, "TypeError: .*weight"),
    ("scaler", {"mean_": None}, "mean_ must be an array of float64"),
    ("scaler", {"mean_": np.full(4, np.inf)}, "mean_ must be finite. Got NaN or infinity"),
    ("scaler", {"mean_": NAN}, "mean_ must be finite. Got NaN or infinity"),
    ("scaler with a gap", {"mean_": np.full(5, np.nan)}, "mean_ must be finite"),
    ("scaler", {"mean_": np.zeros(4, np.float32)}, "mean_ must be an array of float64 .* Got float32 of shape"),
    ("scaler", {"scale_": np.ones(1)}, r"scale_ must be an array of float64 of shape \(4,\)"),
    ("scaler", {"scale_": np.zeros(4)}, "scale_ must be > 0"),
    ("scaler", {"scale_": -np.ones(4)}, "scale_ must be > 0"),
    ("scaler", {"scale_": MISSING}, "AttributeError: .*scale_"),
    ("scaler", {"with_mean": "yes"}, "The 'with_mean' parameter"),
    ("scaler", {"n_features_in_": 8}, r"shape \(8,\)"),
    ("scaler", {"n_features_in_": 5}, "The moments must be those of 5 features, or of channels. Got 4"),
    ("scaler", {"_moments": {"weight": NAN, "mean": NAN, "square_sum": NAN}}, "weight of the moments must be finite"),
    ("whitener", {"mean_": np.zeros(3)}, "mean_ must be an array"),
    ("whitener", {"svd_solver_": "magic"}, "svd_solver_ must be a solver. Got 'magic'"),
    ("whitener", {"epsilon": -1.0}, "The 'epsilon' parameter"),
    ("whitener", {"_decomposition": {}}, "KeyError: 'components'"),
    ("whitener", {"_decomposition": None}, "There must be moments or components"),
    ("whitener", {"n_samples_seen_": -1}, "The rows must have weight. Got -1"),
    ("whitener part by part", {"svd_solver_": "randomized"}, "KeyError: 'randomized'"),
    ("clipper", {"limit": -1.0}, "The 'limit' parameter of SmoothClipper"),
    ("clipper", {"limit": np.nan}, "The 'limit' parameter of SmoothClipper"),
    ("encoder", {"encoding_mean_": np.zeros(3)}, "encoding_mean_ must be an array of float64 of shape"),
    ("encoder", {"bin_edges_": [np.arange(3.0)] * 3}, "bin_edges_ must be 4 arrays. Got 3"),
    ("encoder", {"bin_edges_": [np.arange(3.0)[::-1]] * 4}, "bin_edges_ must ascend"),
]


@pytest.mark.parametrize(("name", "damage", "message"), DAMAGE, ids=lambda value: str(value)[:40])
def test_damage_is_refused_with_a_sentence(name, damage, message):
    fitted = FITTED[name]()
    with pytest.raises(
        ValueError, match=rf"(?s)This {type(fitted).__name__} cannot be used as it was saved.*{message}"
    ):
        restored(fitted, **damage)


@pytest.mark.parametrize(
    ("part", "dtypes"),
    [("components", "float64 or float32"), ("explained_variance", "float64"), ("singular_values", "float64")],
)
def test_damaged_directions_are_refused(part, dtypes):
    fitted = FITTED["whitener"]()
    state = fitted.__getstate__()
    derived = {**state["_decomposition"], part: state["_decomposition"][part][:-1]}
    with pytest.raises(ValueError, match=f"{part}_ must be an array of {dtypes} of shape"):
        restored(fitted, _decomposition=derived)
    derived = {**state["_decomposition"], part: -np.inf * np.ones_like(state["_decomposition"][part])}
    with pytest.raises(ValueError, match=f"{part}_ must be finite"):
        restored(fitted, _decomposition=derived)


def test_an_activation_that_hides_other_constants_is_refused():
    fitted = ActivationMLPClassifier(**FAST, activation="selu").fit(X, y)
    hidden = copy.deepcopy(fitted.activations_)
    hidden[0].scale = 100.0  # would take the place of the class's own
    with pytest.raises(ValueError, match=r"must have nothing but its settings. Got \['scale'\] as well"):
        restored(fitted, activations_=hidden)


def test_damage_from_another_version_names_it():
    with pytest.raises(ValueError, match=r"Got layers of.* Load it with skneural 99.0, or fit it again"):
        restored(FITTED["classifier"](), parameters_=np.zeros(3), **OTHER)


def test_negative_variances_are_refused():
    fitted = FITTED["batch norm"]()
    parameters = fitted.parameters_.copy()
    parameters[-10:] = -1  # the running statistics come last
    with pytest.raises(ValueError, match="Variances must be >= 0"):
        restored(fitted, parameters_=parameters)


@pytest.mark.parametrize("strange", [None, -1, np.nan, "x", np.zeros(0), np.zeros((2, 2)), {}, [None]], ids=str)
def test_whatever_is_put_in_place_of_a_value_is_refused_or_harmless(fitted, strange):
    expected = output(fitted)
    for name in fitted.__getstate__().keys() - {"_skneural_version"}:
        try:
            loaded = restored(fitted, **{name: strange})
        except ValueError:
            continue
        np.testing.assert_array_equal(output(loaded), expected, err_msg=name)


WARM = {**FAST, "warm_start": True, "batch_size": 40}
EQUAL = {name: make for name, make in FITTED.items() if name != "linear"} | {
    "twice": lambda: ActivationMLPClassifier(**WARM, dropout=0.2).fit(X, y).fit(X, y),
    "twice, validated": lambda: ActivationMLPRegressor(**WARM, **STOP, learning_rate="cosine").fit(X, y).fit(X, y),
    "in calls, validated": lambda: (
        ActivationMLPClassifier(**WARM, early_stopping=True)
        .partial_fit(X, y, classes=[0, 1, 2], X_val=X[::2], y_val=y[::2])
        .partial_fit(X, y, X_val=X[::2], y_val=y[::2])
    ),
    "names of a user's own": lambda: ActivationMLPClassifier(**FAST, activation="".join(["el", "u"])).fit(X, y),
    "pipeline": lambda: make_pipeline(StdScaler(), ActivationMLPClassifier(**WARM)).fit(frame, y),
    "for tables": lambda: tabular_classifier(max_iter=2, hidden_layer_sizes=5, random_state=0).fit(X, y),
}


def joblib_bytes(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    return file.getvalue()


@pytest.mark.parametrize("name", EQUAL)
def test_equal_fits_give_equal_files(name, tmp_path):
    one = EQUAL[name]()
    others = np.empty(1000)  # lies where the second fit cannot
    two = EQUAL[name]()
    for dump in (pickle.dumps, joblib.hash, joblib_bytes):
        assert dump(one) == dump(two), dump
    assert others.size
    pytest.importorskip("skops.io")
    for number, fitted in enumerate((one, two)):
        save(fitted, tmp_path / f"{number}.skops")
    assert (tmp_path / "0.skops").read_bytes() == (tmp_path / "1.skops").read_bytes()


@pytest.mark.parametrize("name", EQUAL)
def test_a_network_from_a_file_gives_the_same_file(name):
    fitted = EQUAL[name]()
    if isinstance(fitted, ActivationMLPClassifier | ActivationMLPRegressor):
        assert pickle.dumps(pickle.loads(pickle.dumps(fitted))) == pickle.dumps(fitted)


def hashes():
    return {name: (joblib.hash(make()), joblib.hash(pickle.dumps(make()))) for name, make in EQUAL.items()}


def test_equal_fits_give_equal_files_in_another_process():
    script = "import warnings; warnings.simplefilter('ignore'); import test_saved_state as t; print(t.hashes())"
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": path}  # orders sets
    run = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment, check=True)
    assert run.stdout == f"{hashes()}\n"
