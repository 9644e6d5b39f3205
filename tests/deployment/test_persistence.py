"""Round trips through skops with real files, and what becomes of files that are damaged, tampered with or cut off."""

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
from pickle import UnpicklingError

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skneural import (
    ACTIVATIONS,
    Activation,
    ActivationMLPClassifier,
    ActivationMLPRegressor,
    MeanCenterer,
    PCAWhitener,
    PiecewiseLinearEncoder,
    SmoothClipper,
    StdScaler,
    VersionWarning,
    tabular_classifier,
)
from skneural._sklearn_compat import CallbackSupportMixin
from skneural.deployment import TRUSTED_TYPES, load, save
from skneural.initializers import INITIALIZERS
from skneural.losses import LOSSES
from skneural.solvers import SCHEDULES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
FAST = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0}


@pytest.fixture
def skops():
    return pytest.importorskip("skops.io")


def pipeline(**settings):
    steps = (
        StdScaler(),
        SmoothClipper(),
        PiecewiseLinearEncoder(min_rows=1),
        MeanCenterer(),
        PCAWhitener(n_components=3),
    )
    return make_pipeline(*steps, ActivationMLPClassifier(**FAST, **settings)).fit(X, y)


@pytest.fixture
def content(skops):
    """The bytes of a file with a small fitted pipeline."""
    return skops.dumps(make_pipeline(StdScaler(), ActivationMLPClassifier(**FAST)).fit(X, y))


def changed(content, change):
    """Return the bytes of a skops file whose members went through `change`, a function of name and bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target.getvalue()


# Round trips.


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_pipeline_round_trips_with_each_activation(activation, skops, tmp_path):
    model = pipeline(activation=[ACTIVATIONS[activation]], batch_norm=True, warm_start=True)
    save(model, tmp_path / "model.skops")
    loaded = load(tmp_path / "model.skops")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    again = [m[-1].set_params(max_iter=5).fit(m[:-1].transform(X), y).parameters_ for m in (model, loaded)]
    np.testing.assert_array_equal(*again)  # training goes on alike


@pytest.mark.parametrize(
    "loss", [loss for loss in LOSSES.values() if loss.inverse_link in ("identity", "exp")], ids=str
)
def test_a_regressor_round_trips_with_each_loss(loss, skops, tmp_path):
    model = ActivationMLPRegressor(**FAST, loss=loss).fit(X, X[:, :2])
    save(model, tmp_path / "model.skops")
    np.testing.assert_array_equal(load(tmp_path / "model.skops").predict(X), model.predict(X))


@pytest.mark.parametrize("initializer", INITIALIZERS.values(), ids=str)
@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=str)
def test_specifications_round_trip(initializer, schedule, skops, tmp_path):
    model = ActivationMLPClassifier(**FAST, weight_init=initializer, learning_rate=schedule)
    save(model, tmp_path / "model.skops")
    assert load(tmp_path / "model.skops").get_params() == model.get_params()


def test_what_a_search_found_round_trips(skops, tmp_path):
    search = GridSearchCV(make_pipeline(StdScaler(), ActivationMLPClassifier(**FAST)), {"stdscaler__with_std": [False]})
    save(search.fit(X, y).best_estimator_, tmp_path / "best.skops")
    np.testing.assert_array_equal(load(tmp_path / "best.skops").predict(X), search.predict(X))


def test_the_tabular_recipe_round_trips(skops, tmp_path):
    model = tabular_classifier(max_iter=2, hidden_layer_sizes=5, random_state=0).fit(X, y)
    save(model, tmp_path / "model.skops")
    np.testing.assert_array_equal(load(tmp_path / "model.skops").predict_proba(X), model.predict_proba(X))


def test_text_labels_and_boolean_labels_round_trip(skops, tmp_path):
    for labels in (np.array(["setosa", "versicolor", "virginica"])[y], y == 0, y.astype(float)):
        model = ActivationMLPClassifier(**FAST).fit(X, labels)
        save(model, tmp_path / "model.skops")
        np.testing.assert_array_equal(load(tmp_path / "model.skops").predict(X), model.predict(X))


def test_only_public_types_and_a_dict_need_trust(skops):
    model = pipeline(activation=[ACTIVATIONS["maxout"]])
    untrusted = skops.get_untrusted_types(data=skops.dumps(model))
    assert set(untrusted) <= set(TRUSTED_TYPES)
    assert len(untrusted) == 8  # the six estimators, the activation, the loss
    others = {name for name in TRUSTED_TYPES if not name.startswith("skneural.") or "._" in name}
    assert others == {"sklearn.utils._bunch.Bunch"}  # a dict


def test_the_version_is_in_the_file(skops, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("skneural.saved_state.__version__", "99.0")
        save(StdScaler().fit(X), tmp_path / "scaler.skops")
    with pytest.warns(VersionWarning, match="saved by skneural 99.0"):
        load(tmp_path / "scaler.skops")


# Files that must be refused.


class HardTanh(Activation):
    """A user's own."""

    def forward(self, Z, out=None):
        return np.clip(Z, -1, 1, out=out)

    def backward(self, dA, Z, A, out=None):
        return np.multiply(dA, np.abs(Z) < 1, out=out)


def test_a_users_own_type_needs_trust(skops, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or type(sys)(__name__))
    monkeypatch.setattr(sys.modules[__name__], "HardTanh", HardTanh, raising=False)
    model = ActivationMLPClassifier(**FAST, activation=HardTanh()).fit(X, y)
    save(model, tmp_path / "model.skops")
    with pytest.raises(TypeError, match="HardTanh") as refusal:
        load(tmp_path / "model.skops")
    assert "load(path, trusted=[...])" in refusal.value.__notes__[0]
    loaded = load(tmp_path / "model.skops", trusted=[f"{__name__}.HardTanh"])
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_a_file_that_names_code_is_refused(content, tmp_path):
    def attack(name, text):
        return text.replace(b'"StdScaler"', b'"system"').replace(b'"skneural.preprocessing.scaling"', b'"os"')

    (tmp_path / "model.skops").write_bytes(changed(content, attack))
    with pytest.raises(TypeError, match=r"os\.system"):
        load(tmp_path / "model.skops")


def test_a_method_in_place_of_an_object_is_refused(content, tmp_path):
    def attack(name, text):
        if name != "schema.json":
            return text
        schema = json.loads(text)
        scaler = schema["content"]["content"]["steps"]["content"][0]["content"][1]
        return json.dumps(
            {**scaler, "__loader__": "MethodNode", "content": {"func": "fit", "obj": scaler}}
            | {"protocol": schema["protocol"]}
        ).encode()

    (tmp_path / "model.skops").write_bytes(changed(content, attack))
    with pytest.raises(TypeError, match=r"StdScaler\.fit"):
        load(tmp_path / "model.skops")


@pytest.mark.parametrize(
    "change", [lambda a: a[:-1], lambda a: np.full_like(a, np.nan), lambda a: a * np.inf, lambda a: a.astype(np.int8)]
)
def test_tampered_parameters_are_refused(change, content, tmp_path):
    def attack(name, data):
        if name == "schema.json":
            return data
        array = np.load(io.BytesIO(data))
        if array.shape != (43,):
            return data
        target = io.BytesIO()
        with np.errstate(invalid="ignore"):
            np.save(target, change(array))
        return target.getvalue()

    (tmp_path / "model.skops").write_bytes(changed(content, attack))
    with pytest.raises(ValueError, match=r"model\.skops holds no model that can be used: .* parameters_ must be"):
        load(tmp_path / "model.skops")


def test_a_truncated_file_is_refused_wherever_it_ends(content, tmp_path):
    path = tmp_path / "model.skops"
    for length in np.linspace(0, len(content) - 1, 60).astype(int):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"model\.skops holds no model that can be used: "):
            load(path)


def test_a_flipped_byte_is_refused_or_harmless(content, tmp_path):
    path, rng, refused = tmp_path / "model.skops", np.random.default_rng(0), 0
    path.write_bytes(content)
    expected = load(path).predict_proba(X)
    for position in rng.integers(len(content), size=300):
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            loaded = load(path)
        except (TypeError, ValueError):
            refused += 1
        else:  # the date of a member, for instance
            np.testing.assert_array_equal(loaded.predict_proba(X), expected)
    assert refused > 250


def test_a_file_that_is_not_there(skops, tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "model.skops")


# Writing.


FULL_DISK = """
import resource, signal
import joblib, numpy as np
from skneural import StdScaler
from skneural.deployment import atomic_write, save

def write_skops():
    save(scaler, "model.skops")

def write_joblib():
    with atomic_write("model.joblib") as file:
        joblib.dump(scaler, file)

scaler = StdScaler().fit(np.random.default_rng(0).normal(size=(20, 5000)))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))  # the system refuses every byte beyond
for write in (write_skops, write_joblib):
    try:
        write()
    except OSError as error:
        print(error, error.__notes__)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits are of Unix")
def test_the_old_file_stays_if_the_system_takes_no_more_bytes(skops, tmp_path):
    scaler = StdScaler().fit(X)
    save(scaler, tmp_path / "model.skops")
    joblib.dump(scaler, tmp_path / "model.joblib")
    run = subprocess.run([sys.executable, "-c", FULL_DISK], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("File too large") == run.stdout.count("is unchanged") == 2, run.stdout
    assert sorted(os.listdir(tmp_path)) == ["model.joblib", "model.skops"]
    for loaded in (load(tmp_path / "model.skops"), joblib.load(tmp_path / "model.joblib", mmap_mode="r")):
        np.testing.assert_array_equal(loaded.transform(X), scaler.transform(X))


def test_a_truncated_joblib_file_never_becomes_a_model(tmp_path):
    path = tmp_path / "model.joblib"
    joblib.dump(pipeline(), path)
    content = path.read_bytes()
    for mmap_mode in (None, "r"):
        for length in np.linspace(0, len(content) - 1, 40).astype(int):
            path.write_bytes(content[:length])
            with pytest.raises((EOFError, IndexError, ValueError, UnpicklingError, struct.error)):  # joblib's own
                joblib.load(path, mmap_mode=mmap_mode)


@pytest.mark.skipif(
    not hasattr(CallbackSupportMixin, "set_callbacks"), reason="scikit-learn has no callbacks before 1.9"
)
def test_callbacks_are_not_saved_but_stay(tmp_path, skops):
    callback = object()  # of no type that load would trust
    pipeline = make_pipeline(StdScaler(), ActivationMLPClassifier(**FAST)).fit(X, y)
    for holder in (pipeline, pipeline[-1]):
        holder._skl_callbacks = [callback]
    save(pipeline, tmp_path / "model.skops")
    assert pipeline._skl_callbacks == pipeline[-1]._skl_callbacks == [callback]
    loaded = load(tmp_path / "model.skops")
    assert not hasattr(loaded, "_skl_callbacks")
    np.testing.assert_array_equal(loaded.predict(X), pipeline.predict(X))
