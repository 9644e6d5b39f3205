"""
Which activation, at which learning rate?
=========================================

The lecture recommends ReLU with a carefully chosen learning rate, then Leaky ReLU, Maxout and ELU, then tanh, and the
sigmoid hardly ever. This example tests the recommendation with a grid search over seven activation functions and four
learning rates, with five-fold cross-validation, on the handwritten digits of scikit-learn. It then evaluates the best
pipeline on held-out digits, saves it, and loads it in another process.
"""

import os
import subprocess
import sys
import warnings

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, Maxout, StdScaler
from skneural.inspection import DeadUnitsWarning, SearchHeatmapDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

# %%
# Search
# ------
# An activation function is a hyperparameter like any other. Pass its name, or an object if it has parameters of its
# own. The fits at the lowest rate warn because they do not converge within 200 epochs, and some at the highest rate
# because units die. Both are expected here, so the warnings are ignored.

warnings.filterwarnings("ignore", category=ConvergenceWarning)
warnings.filterwarnings("ignore", category=DeadUnitsWarning)
activations = ["logistic", "tanh", "relu", "leaky_relu", "prelu", "elu", Maxout(n_pieces=2)]
rates = [1e-4, 1e-3, 1e-2, 1e-1]
model = make_pipeline(StdScaler(), ActivationMLPClassifier(random_state=0))
search = GridSearchCV(
    model,
    {
        "activationmlpclassifier__activation": activations,
        "activationmlpclassifier__learning_rate_init": rates,
    },
    n_jobs=-1,
).fit(X_train, y_train)

# %%
# Scores
# ------
# The table shows the mean accuracy over the five folds.

scores = search.cv_results_["mean_test_score"].reshape(len(activations), len(rates))
names = [str(activation) for activation in activations]
print("mean test accuracy of 5 folds")
print(f"{'learning rate':>20}", *(f"{rate:>8g}" for rate in rates))
for name, row in zip(names, scores, strict=True):
    print(f"{name:>20}", *(f"{score:8.4f}" for score in row))

at_best_rate = dict(zip(names, scores.max(axis=1), strict=True))
ranking = sorted(at_best_rate, key=at_best_rate.get, reverse=True)
behind = at_best_rate[ranking[0]] - at_best_rate["logistic"]
print("\nA14: each at its best learning rate:", ", ".join(f"{name} {at_best_rate[name]:.4f}" for name in ranking))
print(
    f"A14: logistic is number {ranking.index('logistic') + 1} of {len(ranking)}, {behind:.4f} behind the best; "
    f"at rate 0.0001 it is {scores[:, 0].max() - scores[names.index('logistic'), 0]:.4f} behind"
)
std = search.cv_results_["std_test_score"][search.best_index_]
n_close = sum(score >= at_best_rate[ranking[0]] - std for score in at_best_rate.values())
print(f"A14: {n_close} of {len(ranking)} are within one standard deviation over the folds, {std:.4f}, of the best")
best = search.best_params_
best_name = best["activationmlpclassifier__activation"]
best_rate = best["activationmlpclassifier__learning_rate_init"]
print(f"A14: best pair: {best_name} at learning rate {best_rate:g}, mean accuracy {search.best_score_:.4f}")
print(f"A14: accuracy on {len(y_test)} unseen digits: {search.score(X_test, y_test):.4f}")

# %%
# Save the pipeline and load it in another process
# ------------------------------------------------
# The file contains the whole pipeline, including the scaler.

joblib.dump(search.best_estimator_, "model.joblib")
joblib.dump(X_test, "digits.joblib")
program = "import joblib; print(*joblib.load('model.joblib').predict(joblib.load('digits.joblib')))"
answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
equal = np.array_equal(np.array(answer.split(), dtype=int), search.predict(X_test))
os.remove("digits.joblib")
print(f"model.joblib ({os.path.getsize('model.joblib') / 1024:.0f} KiB) in a fresh process: equal predictions: {equal}")

# %%
# Plot
# ----
# The heat map needs matplotlib (``pip install 'skneural[plot]'``).

try:
    display = SearchHeatmapDisplay.from_estimator(search)
except ImportError as error:
    print(f"no heat map: {error}")
else:
    display.figure_.savefig("grid_search.png", dpi=120)
    print("heat map: grid_search.png")
