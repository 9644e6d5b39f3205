"""Whatever interrupts the writing of a file, the old one is there as it was: errors, kills, disks that are full."""

import os
import shutil
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris

from skneural import StdScaler
from skneural.deployment import atomic_write

X, _ = load_iris(return_X_y=True)


def test_a_new_file_takes_the_place_of_the_old_one(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with atomic_write(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["model"]


def test_what_joblib_wrote_maps_into_memory(tmp_path):
    model = StdScaler().fit(X)
    with atomic_write(tmp_path / "model.joblib") as file:
        joblib.dump(model, file)
    loaded = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    assert isinstance(loaded.mean_, np.memmap)
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    with atomic_write(tmp_path / "model") as file:
        file.write(b"new")
    (tmp_path / "other").touch()
    assert (tmp_path / "model").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_keeps_pointing_at_the_file(tmp_path):
    (tmp_path / "model").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "model")
    with atomic_write(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "model").read_bytes() == b"new"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("no")])
def test_the_old_file_stays_if_writing_fails(error, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"old")

    def fail():
        with atomic_write(path) as file:
            file.write(b"half of the new")
            raise error

    with pytest.raises(type(error)) as failure:
        fail()
    assert "model was not written; the old file, if there was one, is unchanged." in failure.value.__notes__[0]
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model"]


# A process that trains and saves, again and again, is killed at any moment; its parent loads what is there.
KILLED = """
import os, random, signal, sys, time, warnings
import joblib, numpy as np
from sklearn.datasets import load_iris
from skneural import ActivationMLPClassifier
from skneural.deployment import atomic_write

warnings.simplefilter("ignore")
X, y = load_iris(return_X_y=True)
model = ActivationMLPClassifier((100,), max_iter=1, random_state=0).fit(X, y)

def save(path):
    with atomic_write(path) as file:
        joblib.dump(model, file)

def train_and_save():
    for n_iter in range(1, 10**6):
        model.set_params(warm_start=True).fit(X, y).n_saved_ = n_iter
        save("model.joblib")

random.seed(0)
for attempt in range(300):
    if attempt >= 30 and len(os.listdir()) > 1:
        break  # on a busy machine it takes more attempts to kill one that writes
    model.n_saved_ = 0
    save("model.joblib")
    before = os.stat("model.joblib").st_mtime_ns
    child = os.fork()
    if not child:
        train_and_save()
    while os.stat("model.joblib").st_mtime_ns == before:
        time.sleep(0.0005)
    time.sleep(random.uniform(0, 0.01))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    loaded = joblib.load("model.joblib")
    assert loaded.n_saved_ > 0 and np.isfinite(loaded.predict_proba(X)).all()
print(len(os.listdir()))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fit_that_is_killed_leaves_a_whole_file(tmp_path):
    run = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 1  # some were killed while they wrote: halves of files lie beside it


# In a namespace of its own, so that whoever runs the tests may mount.
MOUNT = "mount -t tmpfs -o size=64k none {folder} && cd {folder} && "
FULL_DISK = """
import os, sys
import joblib, numpy as np
from skneural import StdScaler
from skneural.deployment import atomic_write

def save(n_features):
    scaler = StdScaler().fit(np.random.default_rng(0).normal(size=(20, n_features)))
    with atomic_write("model.joblib") as file:
        joblib.dump(scaler, file)

save(100)
before = open("model.joblib", "rb").read()
try:
    save(5000)
except OSError as error:
    print(error, *error.__notes__)
print(open("model.joblib", "rb").read() == before, os.listdir())
save(50)
print(open("model.joblib", "rb").read() == before)
"""


def in_namespace(command):
    """Run a command of the shell where it may mount what nobody else sees."""
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", command], capture_output=True, text=True
    )


def test_a_full_disk_leaves_the_old_file(tmp_path):
    mount = MOUNT.format(folder=tmp_path)
    if shutil.which("unshare") is None or in_namespace(mount + "true").returncode:
        pytest.skip("this system lets nobody mount a small disk")
    (tmp_path.parent / "full.py").write_text(FULL_DISK)
    run = in_namespace(f"{mount} exec {sys.executable} {tmp_path.parent / 'full.py'}")
    assert run.returncode == 0, run.stderr
    message, whole, later = run.stdout.splitlines()
    assert "No space left on device" in message
    assert "was not written; the old file, if there was one, is unchanged." in message
    assert whole == "True ['model.joblib']"
    assert later == "False"  # what fits is written
