"""Latency of the prediction of one row, and the memory that a fit takes.

usage: python tests/benchmarks/bench_prediction.py [--calls 3000]

Models of one hidden layer of 100 units, trained on digits; the calls take turns, medians and minima count. The memory
is the peak of a fresh process that fits 200,000 x 100 rows in single precision, less what it held before the fit
(the input included).
"""

import argparse
import subprocess
import sys
import time
import warnings

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from skneural import ActivationMLPClassifier

FIT = """
import resource, warnings
import numpy as np
from skneural import ActivationMLPClassifier
warnings.simplefilter("ignore")
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
ActivationMLPClassifier(max_iter=1).fit(np.eye(20, dtype=np.float32), np.arange(20) % 2)
rng = np.random.default_rng(0)
X, y = rng.standard_normal((200_000, 100), dtype=np.float32), rng.integers(0, 10, 200_000)
before = peak()
model = ActivationMLPClassifier(max_iter=2).fit(X, y)
print((peak() - before) / 2**20, model.parameters_.nbytes / 2**20, X.nbytes / 2**20)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--calls", type=int, default=3000)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    X, y = load_digits(return_X_y=True)
    models = [cls(max_iter=5, random_state=0).fit(X, y) for cls in (MLPClassifier, ActivationMLPClassifier)]
    for method in ("predict", "predict_proba"):
        times = np.empty((options.calls, 2))
        for call in times:
            for i, model in enumerate(models):
                function = getattr(model, method)
                started = time.perf_counter()
                function(X[:1])
                call[i] = time.perf_counter() - started
        for name, value in (("median", np.median(times, axis=0)), ("minimum", times.min(axis=0))):
            theirs, ours = 1e6 * value
            print(
                f"{method} of one row, {name}: MLPClassifier {theirs:.0f} us, ours {ours:.0f} us, {ours / theirs:.2f}"
            )
    run = subprocess.run([sys.executable, "-c", FIT], capture_output=True, text=True, check=True)
    extra, parameters, size = map(float, run.stdout.split())
    print(f"fit of {size:.0f} MB: {extra:.1f} MB more at the peak; the parameters are {parameters:.2f} MB")


if __name__ == "__main__":
    main()
