"""Cross-validated accuracy of every activation at default parameters, beside scikit-learn's MLPClassifier with relu.

usage: python tests/benchmarks/bench_accuracy.py

Five folds on the four small data sets that ship with scikit-learn, all behind StdScaler, random_state=0.
"""

import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from skneural import ACTIVATIONS, ActivationMLPClassifier, StdScaler

SETS = {"digits": load_digits, "breast cancer": load_breast_cancer, "wine": load_wine, "iris": load_iris}
# Two names of one activation are one contestant; identity is a linear model.
NAMES = [name for name in {repr(a): name for name, a in ACTIVATIONS.items()}.values() if name != "identity"]


def accuracy(model, X, y):
    return cross_val_score(make_pipeline(StdScaler(), model), X, y).mean()


def main():
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    print(f"{'':20}", *(f"{name:>14}" for name in SETS))
    data = [load(return_X_y=True) for load in SETS.values()]
    reference = np.array([accuracy(MLPClassifier(random_state=0), *each) for each in data])
    print(f"{'MLPClassifier relu':20}", *(f"{score:14.4f}" for score in reference), flush=True)
    scores = []
    for name in NAMES:
        scores.append([accuracy(ActivationMLPClassifier(activation=name, random_state=0), *each) for each in data])
        print(f"{name:20}", *(f"{score:14.4f}" for score in scores[-1]), flush=True)
    mean = np.mean(scores, axis=0)
    print(f"{'mean of activations':20}", *(f"{score:14.4f}" for score in mean))
    print(f"{'mean - MLPClassifier':20}", *(f"{difference:+14.4f}" for difference in mean - reference))


if __name__ == "__main__":
    main()
