"""
Maxout: units that learn their activation function
==================================================

A Maxout unit outputs the largest of k linear functions, its pieces. It does not saturate and cannot die. Its layer has
k times as many weights.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, Maxout, StdScaler
from skneural.inspection import DeadUnitsWarning, unit_report

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is fixed on purpose


def fitted(activation, sizes=(50,), rate=0.005):
    """Return a fitted pipeline."""
    network = ActivationMLPClassifier(sizes, activation, learning_rate_init=rate, max_iter=20, random_state=0)
    return make_pipeline(StdScaler(), network).fit(X_train, y_train)


# %%
# Parameters and scores
# ---------------------

models = {"ReLU": fitted("relu")} | {f"Maxout of {k}": fitted(Maxout(n_pieces=k)) for k in (2, 3, 5)}
hidden = {name: sum(array[0].size for array in (m[-1].coefs_, m[-1].intercepts_)) for name, m in models.items()}
print(f"{'activation':>14}{'parameters':>12}{'hidden layer':>14}{'test accuracy':>15}")
for name, model in models.items():
    print(f"{name:>14}{model[-1].parameters_.size:12d}{hidden[name]:14d}{model.score(X_test, y_test):15.4f}")
two, one = hidden["Maxout of 2"], hidden["ReLU"]
print(
    f"A13: the hidden layer of 50 units has {one} parameters with ReLU and {two} with Maxout of two pieces: "
    f"{two / one:g} times as many"
)

# %%
# How often is each piece the largest?
# ------------------------------------

for name in ("Maxout of 2", "Maxout of 3", "Maxout of 5"):
    layer = unit_report(models[name], X_train).layers[0]
    wins = ", ".join(f"{share:.0%}" for share in layer.piece_usage.mean(axis=1))
    print(f"A13: {name}: its pieces are the largest on {wins} of the rows; {layer.unused_pieces:.0%} of them never are")

# %%
# Dead units
# ----------
# At this learning rate most ReLU units die. Maxout units do not.

warnings.simplefilter("ignore", DeadUnitsWarning)
dead = {name: unit_report(fitted(name, (50, 30), rate=0.3), X_train).layers[1] for name in ("relu", "maxout")}
print(
    f"A13: dead in the second layer at learning rate 0.3: {dead['relu'].dead:.0%} of the ReLU units, "
    f"{dead['maxout'].dead:.0%} of the Maxout units"
)

# %%
# Fit a curve with straight pieces
# --------------------------------
# Eight units of three pieces each fit a curve of one feature. The best of fifteen seeds is shown, because L-BFGS finds
# only a poor local minimum from some of them.

x = np.linspace(-1, 1, 200)[:, None]
target = np.sin(3 * x[:, 0])


def fit_curve(seed):
    """Return the largest error and the network."""
    curve = ActivationMLPRegressor(
        hidden_layer_sizes=(8,), activation=Maxout(n_pieces=3), solver="lbfgs", alpha=0, max_iter=500, random_state=seed
    ).fit(x, target)
    return np.abs(curve.predict(x) - target).max(), curve


error, curve = min((fit_curve(seed) for seed in range(15)), key=lambda found: found[0])
print(f"A13: eight units of three straight pieces fit sin(3x) with an error of {error:.3f} at most")

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for unit in curve.transform(x).T:
    left.plot(x, unit)
left.set(title="Each unit is convex, in straight pieces", xlabel="x", ylabel="activation")
right.plot(x, target, color="0.6", linewidth=4, label="sin(3x)")
right.plot(x, curve.predict(x), color="#D55E00", label="network")
right.set(title="Their weighted sum", xlabel="x")
right.legend()
plt.show()
