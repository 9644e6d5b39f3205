"""Seconds per epoch: the native form, NumPy's, scikit-learn's MLPClassifier, eager PyTorch, the matrix products alone.

usage: python tests/benchmarks/bench_epoch.py [--threads 1 2] [--rounds 7] [--dtypes float32 float64] [--rows 1 2 ...]
       python tests/benchmarks/bench_epoch.py --alone [--members 8]
       python tests/benchmarks/bench_epoch.py --activations
       python tests/benchmarks/bench_epoch.py --members 8

Random data of the sizes in CASES; the time does not depend on the values. Each contestant fits for a number of epochs,
and what is printed is the time of the whole fit over that number. The contestants take turns, the minimum over the
rounds counts. The GFLOP/s are those of the native form: two operations for each multiplication of the matrix products,
forward, for the weights' gradients and for the inputs' (not in the first layer). "products" is what the three matrix
products of each layer cost by themselves in NumPy. PyTorch takes part where it is installed. With --activations: every
activation of the package at the size of the fourth row. With --members K: a single network, K members that share the
hidden layers, and the same members in PyTorch, in rows 2 and 4 unless --rows says otherwise; the least and the median
over the rounds. With --alone: the native form alone, of K members with --members K, on each number of --threads in
turn, in a process where no other library's threads keep a core busy; the least and the median, and the speed-up over
the first number.
"""

import argparse
import time
import warnings
from importlib.util import find_spec
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skneural import ACTIVATIONS, ActivationMLPClassifier, use_backend


class Case(NamedTuple):
    rows: int
    features: int
    hidden: tuple
    classes: int
    batch: int
    epochs: int
    activation: str = "relu"

    @property
    def sizes(self):
        """Features, units of the hidden layers, outputs."""
        return [self.features, *self.hidden, 1 if self.classes == 2 else self.classes]

    @property
    def operations(self):
        """Floating-point operations of an epoch's matrix products; the first layer has no gradient in its input."""
        matrices = [fan_in * width for fan_in, width in pairwise(self.sizes)]
        return 2 * self.rows * (3 * sum(matrices) - matrices[0])


CASES = [
    Case(1500, 30, (100,), 3, 200, 60),
    Case(1800, 64, (100,), 10, 200, 60),
    Case(10000, 20, (32,), 2, 32, 10),
    Case(10000, 100, (100,), 10, 200, 15),
    Case(10000, 54, (128, 128, 128), 7, 256, 8),
    Case(20000, 784, (100,), 10, 200, 5),
    Case(20000, 784, (256, 128, 100), 10, 256, 3),
    Case(10000, 4, (32, 16), 4, 10000, 100, "tanh"),  # the size of a benchmark of SimpleChains.jl
]


def data(case, dtype):
    rng = np.random.RandomState(0)
    return rng.randn(case.rows, case.features).astype(dtype), rng.randint(0, case.classes, case.rows)


def seconds_per_epoch(estimator, case, X, y, **settings):
    model = estimator(
        case.hidden,
        batch_size=case.batch,
        max_iter=case.epochs,
        n_iter_no_change=case.epochs + 1,
        random_state=0,
        **{"activation": case.activation, **settings},
    )
    started = time.perf_counter()
    model.fit(X, y)
    return (time.perf_counter() - started) / case.epochs


def native(case, X, y):
    return seconds_per_epoch(ActivationMLPClassifier, case, X, y)


def in_numpy(case, X, y):
    with use_backend("numpy"):
        return seconds_per_epoch(ActivationMLPClassifier, case, X, y)


def scikit_learn(case, X, y):
    return seconds_per_epoch(MLPClassifier, case, X, y)


def pytorch(case, X, y):
    """Return the seconds of an epoch of the plain eager loop: no loader, no compilation."""
    import torch

    X, y = torch.from_numpy(X), torch.from_numpy(y)
    hidden, loss = hidden_layers(case, X.dtype), torch.nn.CrossEntropyLoss()
    model = hidden.append(torch.nn.Linear(case.hidden[-1], case.classes, dtype=X.dtype))
    return seconds_per_epoch_in_torch(case, [*model.parameters()], lambda rows: loss(model(X[rows]), y[rows]))


def hidden_layers(case, dtype):
    import torch

    layers, activation = torch.nn.Sequential(), {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[case.activation]
    for fan_in, width in pairwise([case.features, *case.hidden]):
        layers.append(torch.nn.Linear(fan_in, width, dtype=dtype)).append(activation())
    return layers


def seconds_per_epoch_in_torch(case, parameters, loss):
    """Return the seconds of an epoch, given the function from the rows of a mini-batch to its loss."""
    import torch

    optimizer = torch.optim.Adam(parameters, weight_decay=1e-4)
    started = time.perf_counter()
    for _ in range(case.epochs):
        for rows in torch.randperm(case.rows).split(case.batch):
            optimizer.zero_grad()
            loss(rows).backward()
            optimizer.step()
    return (time.perf_counter() - started) / case.epochs


def members(k):
    return lambda case, X, y: seconds_per_epoch(ActivationMLPClassifier, case, X, y, n_members=k)


def pytorch_members(k):
    """Return the contestant that trains k members at once: the hidden layers see k times the rows of a mini-batch."""
    import torch

    def contestant(case, X, y):
        X, y = torch.from_numpy(X), torch.from_numpy(y)
        hidden = hidden_layers(case, X.dtype)
        scales, W, b = members_own_parameters(case, k, X.dtype)
        cross_entropy = torch.nn.CrossEntropyLoss()

        def loss(rows):
            A = hidden((X[rows] * scales).flatten(0, 1)).unflatten(0, (k, -1))
            # All members have equally many rows, so the mean over all rows is the mean of the members' losses.
            return cross_entropy(torch.baddbmm(b, A, W).flatten(0, 1), y[rows].repeat(k))

        return seconds_per_epoch_in_torch(case, [scales, *hidden.parameters(), W, b], loss)

    return contestant


def members_own_parameters(case, k, dtype):
    """Return scales of random signs, (k, 1, n_features), and the weights and biases of k output layers."""
    import torch

    fan_in = case.hidden[-1]
    signs = torch.randint(0, 2, (k, 1, case.features)).to(dtype) * 2 - 1
    W = (torch.rand(k, fan_in, case.classes, dtype=dtype) * 2 - 1) / fan_in**0.5
    b = torch.zeros(k, 1, case.classes, dtype=dtype)
    return [parameter.requires_grad_() for parameter in (signs, W, b)]


def products(case, X, y):
    """Return the seconds of an epoch's matrix products: forward, both backward (the first layer needs one)."""
    sizes, rng = case.sizes, np.random.RandomState(0)
    A = [rng.rand(case.batch, size).astype(X.dtype) for size in sizes]
    W = [rng.rand(*shape).astype(X.dtype) for shape in pairwise(sizes)]
    outs = [np.empty((case.batch, size), X.dtype) for size in sizes]
    dW = [np.empty_like(w) for w in W]
    started = time.perf_counter()
    for _ in range(case.epochs):
        for start in range(0, case.rows, case.batch):
            n = min(case.batch, case.rows - start)
            for layer, w in enumerate(W):
                np.dot(A[layer][:n], w, out=outs[layer + 1][:n])
                np.dot(A[layer][:n].T, A[layer + 1][:n], out=dW[layer])
                if layer:
                    np.dot(A[layer + 1][:n], w.T, out=outs[layer][:n])
    return (time.perf_counter() - started) / case.epochs


def measure(case, dtype, rounds, contestants):
    """Return the seconds per epoch of each contestant, which take turns, of shape (rounds, n_contestants)."""
    X, y = data(case, dtype)
    return np.array([[contestant(case, X, y) for contestant in contestants] for _ in range(rounds)])


def limited(threads):
    """Limit NumPy's, SciPy's and, where it is there, PyTorch's threads."""
    if find_spec("torch"):
        import torch

        torch.set_num_threads(threads)
    return threadpool_limits(threads)


def geometric_mean(ratios):
    return np.exp(np.mean(np.log(ratios), axis=0))


def compare(threads, dtype, rows, rounds):
    contestants = [products, native, in_numpy, scikit_learn] + [pytorch] * bool(find_spec("torch"))
    names = ["products", "native", "numpy", "sklearn", "torch"][: len(contestants)]
    head = "  ".join(f"{name:>8}" for name in names)
    ratios_head = "native/products  sklearn/native  torch/native"
    print(f"\n{dtype}, {threads} thread(s), ms per epoch\nrow  {head} | GFLOP/s  {ratios_head}")
    ratios = []
    for row in rows:
        with limited(threads):
            times = 1e3 * measure(CASES[row - 1], dtype, rounds, contestants).min(axis=0)
        ratios.append([times[1] / times[0], *(times[3:] / times[1])])
        values = "  ".join(f"{value:8.2f}" for value in times)
        speed = f"{CASES[row - 1].operations / times[1] / 1e6:7.1f}  {ratios[-1][0]:15.2f}"
        print(f"{row:3d}  {values} | {speed}" + "".join(f"  {r:14.2f}" for r in ratios[-1][1:]), flush=True)
    means = geometric_mean(ratios)
    print("geometric means: " + ", ".join(f"{mean:.2f}" for mean in means))


def compare_threads(numbers, k, dtype, rows, rounds):
    def contestant(threads):
        def limited_native(case, X, y):
            with threadpool_limits(threads):
                return members(k)(case, X, y)

        return limited_native

    print(
        f"\n{dtype}, native form alone, {k} member(s), ms per epoch\nrow          "
        + "  ".join(f"{n:>4} thr." for n in numbers)
    )
    for row in rows:
        times = 1e3 * measure(CASES[row - 1], dtype, rounds, [contestant(n) for n in numbers])
        for name, summary in (("least", times.min(axis=0)), ("median", np.median(times, axis=0))):
            values = "  ".join(f"{value:9.2f}" for value in summary)
            speedups = "".join(f"  {summary[0] / value:5.2f}" for value in summary[1:])
            print(f"{row:3d}  {name:6}  {values} | speed-up{speedups}", flush=True)


def compare_activations(rounds):
    case = CASES[3]

    def contestant(name):
        return lambda case, X, y: seconds_per_epoch(ActivationMLPClassifier, case, X, y, activation=name)

    for dtype in ("float32", "float64"):
        with limited(1):
            times = 1e3 * measure(case, dtype, rounds, [contestant(name) for name in ACTIVATIONS]).min(axis=0)
        relu = times[list(ACTIVATIONS).index("relu")]
        print(f"\n{dtype}, 1 thread, row 4: ms per epoch, and in units of relu's")
        for name, value in zip(ACTIVATIONS, times, strict=True):
            print(f"{name:12} {value:6.2f}  {value / relu:5.2f}")


def compare_members(k, threads, dtype, rows, rounds):
    has_torch = bool(find_spec("torch"))
    contestants = [members(1), members(k)] + ([pytorch_members(k)] if has_torch else [])
    names = ["single", "members", "torch"][: len(contestants)]
    head = "  ".join(f"{name:>8}" for name in names)
    print(f"\n{dtype}, {threads} thread(s), {k} members, ms per epoch")
    print(f"row          {head} | GFLOP/s  members/single" + "  torch/members" * has_torch)
    for row in rows:
        with limited(threads):
            times = 1e3 * measure(CASES[row - 1], dtype, rounds, contestants)
        for name, summary in (("least", times.min(axis=0)), ("median", np.median(times, axis=0))):
            values = "  ".join(f"{value:8.2f}" for value in summary)
            ratios = f"{k * CASES[row - 1].operations / summary[1] / 1e6:7.1f}  {summary[1] / summary[0]:14.2f}"
            ratios += "".join(f"  {s / summary[1]:13.2f}" for s in summary[2:])
            print(f"{row:3d}  {name:6}  {values} | {ratios}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"])
    parser.add_argument("--rows", type=int, nargs="+")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--activations", action="store_true")
    parser.add_argument("--members", type=int, metavar="K")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    for number, case in enumerate(CASES, 1):
        print(f"row {number}: {case._asdict()}")
    if options.activations:
        return compare_activations(options.rounds)
    if options.alone:
        for dtype in options.dtypes:
            rows = (2, 4) if options.members else range(1, len(CASES) + 1)
            compare_threads(options.threads, options.members or 1, dtype, options.rows or rows, options.rounds)
        return None
    for threads in options.threads:
        for dtype in options.dtypes:
            if options.members:
                compare_members(options.members, threads, dtype, options.rows or (2, 4), options.rounds)
            else:
                compare(threads, dtype, options.rows or range(1, len(CASES) + 1), options.rounds)


if __name__ == "__main__":
    main()
