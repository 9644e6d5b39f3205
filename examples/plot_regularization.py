"""
Regularisation: six methods compared
====================================

A network with ten thousand weights can memorise 200 training rows, including wrong labels. This example compares six
methods against such overfitting: L2 penalty, L1 penalty, dropout, max-norm, label smoothing and early stopping. A sixth
of the training labels are replaced by random ones.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, MeanCenterer

rng = np.random.default_rng(0)
X, y = load_digits(return_X_y=True)
order = rng.permutation(len(X))
X, y = X[order] / 16, y[order]
X_train, y_train, X_test, y_test = X[:200], y[:200].copy(), X[200:], y[200:]
wrong = rng.random(200) < 1 / 6
y_train[wrong] = rng.integers(0, 10, wrong.sum())

# %%
# Compare
# -------
# Each method is used alone and trained with three seeds. The strengths are plausible values, not searched ones.

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is fixed on purpose
remedies = {
    "nothing": {},
    "L2": {"alpha": 0.03},
    "L1": {"alpha": 0.003, "l1_ratio": 1.0},
    "dropout": {"dropout": 0.5},
    "max-norm": {"max_norm": 1.0},
    "label smoothing": {"label_smoothing": 0.3},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.2},
}
print(f"{'':>18}{'training':>10}{'test':>9}{'|W|':>8}{'W = 0':>8}")
accuracy, zeros, norms = {}, {}, {}
for name, settings in remedies.items():
    settings = {"alpha": 0.0, "learning_rate_init": 0.005, "batch_size": 50, "max_iter": 100, **settings}
    runs = []
    for seed in range(3):
        network = ActivationMLPClassifier((150,), random_state=seed, **settings)
        model = make_pipeline(MeanCenterer(), network).fit(X_train, y_train)
        weights = np.concatenate([W.ravel() for W in network.coefs_])
        runs.append(
            (
                model.score(X_train, y_train),
                model.score(X_test, y_test),
                np.linalg.norm(weights),
                np.mean(np.abs(weights) < 1e-3),
            )
        )
    accuracy[name] = np.mean(runs, axis=0)[:2]
    _, _, norms[name], zeros[name] = np.mean(runs, axis=0)
    print(f"{name:>18}{accuracy[name][0]:10.3f}{accuracy[name][1]:9.3f}{norms[name]:8.1f}{zeros[name]:8.0%}")

for name in list(remedies)[1:]:
    gain = 100 * (accuracy[name][1] - accuracy["nothing"][1])
    print(f"C2: {name}: test accuracy {accuracy[name][1]:.3f}, {gain:+.1f} points compared with nothing")
helped = [name for name in accuracy if accuracy[name][1] > accuracy["nothing"][1]]
print(
    f"C2: of six methods, {len(helped)} help; with L1, {zeros['L1']:.0%} of the weights are almost zero, with nothing "
    f"{zeros['nothing']:.0%}"
)

# %%
# Plot
# ----

figure, ax = plt.subplots(figsize=(7.5, 4), layout="constrained")
places = np.arange(len(accuracy))
ax.hlines(places, [test for _, test in accuracy.values()], [train for train, _ in accuracy.values()], color="0.7")
ax.plot([train for train, _ in accuracy.values()], places, "o", color="#D55E00", label="training rows")
ax.plot([test for _, test in accuracy.values()], places, "s", color="#0072B2", label="test rows")
ax.set_yticks(places, accuracy)
ax.invert_yaxis()
ax.set(xlabel="accuracy", title="200 rows, a sixth of the labels wrong")
ax.legend()
plt.show()
