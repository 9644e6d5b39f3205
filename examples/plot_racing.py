"""
A search that drops losers early
================================

A grid search trains every candidate to the end, although most are hopeless after a few epochs. Successive halving drops
them early. scikit-learn's ``HalvingGridSearchCV`` trains the survivors of each round from the beginning; a network can
go on from where it was. With ``warm_start=True``, several short calls of ``fit`` give exactly the network of one long
call (with a constant learning rate), so nothing is trained twice.

This example searches seven activation functions and four learning rates on the handwritten digits, in both ways, and
compares winner and time. ``python plot_racing.py FILE.npz`` does the same for arrays ``X`` and ``y`` of a file.
"""

import sys
import time
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedKFold
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from skneural import ActivationMLPClassifier, Maxout, StdScaler
from skneural.inspection import DeadUnitsWarning

if len(sys.argv) > 1:
    with np.load(sys.argv[1]) as arrays:
        X, y = arrays["X"], arrays["y"]
else:
    X, y = load_digits(return_X_y=True)
X = X.astype(np.float32)

folds = list(StratifiedKFold(shuffle=True, random_state=0).split(X, y))
activations = ["logistic", "tanh", "relu", "leaky_relu", "prelu", "elu", Maxout(n_pieces=2)]
candidates = list(ParameterGrid({"activation": activations, "learning_rate_init": [1e-4, 1e-3, 1e-2, 1e-1]}))
N_EPOCHS = 64
network = ActivationMLPClassifier(max_iter=N_EPOCHS, n_iter_no_change=np.inf, random_state=0)
warnings.filterwarnings("ignore", category=DeadUnitsWarning)  # at the highest rate

# %%
# The race
# --------
# Each round trains the candidates that are left for some more epochs, on each fold, and keeps the best third. A fold is
# scaled once, not once for each candidate.


def race(network, candidates, X, y, folds, rounds):
    """Return the mean scores of the candidates that are left after all rounds, by their number, best first.

    `rounds` has, for each round, the number of epochs, and how many candidates remain after it.
    """
    scaled = [(StdScaler().fit(X[train]).transform(X), train, test) for train, test in folds]
    models = {
        number: [clone(network).set_params(**each, warm_start=True) for _ in folds]
        for number, each in enumerate(candidates)
    }
    for n_epochs, n_left in rounds:
        scores = {}
        for i, of_folds in models.items():
            parts = zip(of_folds, scaled, strict=True)
            scores[i] = np.mean(
                [
                    model.set_params(max_iter=n_epochs).fit(Z[train], y[train]).score(Z[test], y[test])
                    for model, (Z, train, test) in parts
                ]
            )
        best = sorted(scores, key=scores.get, reverse=True)[:n_left]
        print(
            f"{len(models)} candidates, {n_epochs} epochs more each: best {candidates[best[0]]}, {scores[best[0]]:.4f}"
        )
        models = {i: models[i] for i in best}
    return {i: scores[i] for i in best}


warnings.filterwarnings("ignore", message=".*Maximum iterations")  # each round ends before convergence
with threadpool_limits(1):
    start = time.perf_counter()
    left = race(network, candidates, X, y, folds, rounds=[(4, 9), (12, 3), (48, 1)])
    race_seconds = time.perf_counter() - start

# %%
# The full grid
# -------------
# The same candidates, folds and epochs in scikit-learn's ``GridSearchCV``.

names = {f"activationmlpclassifier__{name}": name for name in candidates[0]}
grid = [{name: [each[short]] for name, short in names.items()} for each in candidates]
with threadpool_limits(1):
    start = time.perf_counter()
    search = GridSearchCV(make_pipeline(StdScaler(), network), grid, cv=folds, refit=False).fit(X, y)
    grid_seconds = time.perf_counter() - start

scores, winner = search.cv_results_["mean_test_score"], next(iter(left))
error = search.cv_results_["std_test_score"][search.best_index_] / np.sqrt(len(folds) - 1)
print(
    f"the grid's best: {candidates[search.best_index_]}, mean accuracy {scores.max():.4f}, standard error {error:.4f}"
)
print(f"the race's best: {candidates[winner]}, mean accuracy {left[winner]:.4f}, in the grid {scores[winner]:.4f}")
print(f"the race's best is within one standard error of the grid's: {scores.max() - scores[winner] <= error}")
print(f"equal networks: {np.isclose(left[winner], scores[winner], atol=1e-12)}")
print(f"the race takes {race_seconds / grid_seconds:.2f} of the grid's time")
