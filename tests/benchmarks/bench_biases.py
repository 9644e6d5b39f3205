"""What the spread of the hidden biases in weight_init="auto" is worth with few features: accuracy on iris.

usage: python tests/benchmarks/bench_biases.py

Five folds behind StdScaler, default parameters, mean over five values of random_state. The same weights with all biases
zero come from passing the initializer as a callable, which draws weights only.
"""

import warnings

import numpy as np
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from skneural import ACTIVATIONS, ActivationMLPClassifier, StdScaler
from skneural.initializers import AutoInitializer

NAMES = ["relu", "gelu", "mish", "prelu", "maxout"]


def accuracy(**settings):
    X, y = load_iris(return_X_y=True)
    models = [ActivationMLPClassifier(random_state=seed, **settings) for seed in range(5)]
    return np.mean([cross_val_score(make_pipeline(StdScaler(), model), X, y).mean() for model in models])


def main():
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    print("activation  biases zero  biases spread")
    for name in NAMES:
        weights_only = AutoInitializer(ACTIVATIONS[name]).__call__
        zero, spread = accuracy(activation=name, weight_init=weights_only), accuracy(activation=name)
        print(f"{name:10}  {zero:11.3f}  {spread:13.3f}", flush=True)


if __name__ == "__main__":
    main()
