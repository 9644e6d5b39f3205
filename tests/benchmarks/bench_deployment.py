"""How far ONNX is off, what a model weighs in a file, how long one prediction takes: a pipeline for the digits.

usage: python tests/benchmarks/bench_deployment.py

One thread for onnxruntime; set OPENBLAS_NUM_THREADS=1 for the same here. Times are the smallest of some repetitions.
"""

import tempfile
import timeit
import warnings
from pathlib import Path

import joblib
import numpy as np
import onnxruntime
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from skneural import ACTIVATIONS, ActivationMLPClassifier, StdScaler
from skneural.deployment import load, save, to_onnx

X, y = load_digits(return_X_y=True)


def fitted(rows, activation):
    network = ActivationMLPClassifier((100, 50), activation, batch_norm=True, max_iter=20, random_state=0)
    return make_pipeline(StdScaler(), network).fit(rows, y)


def session(model, rows):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    content = to_onnx(model, rows).SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def deviation(model, rows):
    labels, P = session(model, rows).run(None, {"X": rows})
    assert (labels == model.predict(rows)).all()
    return np.abs(P - model.predict_proba(rows)).max()


def milliseconds(call, number=1):
    return min(timeit.repeat(call, number=number, repeat=15)) / number * 1e3


def compare_probabilities():
    print("activation    float32   float64")
    for name in {repr(activation): name for name, activation in ACTIVATIONS.items()}.values():
        model = fitted(X, name)
        print(f"{name:10} {deviation(model, X.astype(np.float32)):10.1e} {deviation(model, X):9.1e}", flush=True)


def compare_files(path):
    model = fitted(X, "elu")
    ways = {
        "joblib": (lambda: joblib.dump(model, path), lambda: joblib.load(path)),
        "skops": (lambda: save(model, path), lambda: load(path)),
        "onnx": (
            lambda: path.write_bytes(to_onnx(model, X).SerializeToString()),
            lambda: onnxruntime.InferenceSession(path),
        ),
    }
    print("\nfile         KiB  ms to write  ms to read")
    for name, (write, read) in ways.items():
        times = milliseconds(write), milliseconds(read)
        print(f"{name:10} {path.stat().st_size / 1024:5.0f} {times[0]:12.1f} {times[1]:11.1f}", flush=True)


def compare_times():
    rows = X.astype(np.float32)
    model = fitted(rows, "elu")
    run = session(model, rows).run
    print("\nrows  ms in skneural  ms in onnxruntime")
    for n in (1, len(rows)):
        part = rows[:n]
        here, there = (lambda: model.predict_proba(part)), (lambda: run(None, {"X": part}))  # noqa: B023
        print(f"{n:4d} {milliseconds(here, 20):15.3f} {milliseconds(there, 20):18.3f}", flush=True)


def main():
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    compare_probabilities()
    with tempfile.TemporaryDirectory() as folder:
        compare_files(Path(folder, "model"))
    compare_times()


if __name__ == "__main__":
    main()
