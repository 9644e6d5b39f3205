"""
Predict quantiles: an interval for 90 % of the targets
======================================================

Predict quantiles to show how uncertain a prediction is. One network with the pinball loss predicts several quantiles at
once. Here the target is the progression of diabetes one year after ten measurements. About 90 % of the patients should
lie between the 0.05 and the 0.95 quantile. This example measures how many do, among patients that were held out.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPRegressor, StdScaler
from skneural.losses import Quantile

X, y = load_diabetes(return_X_y=True)
QUANTILES = [0.05, 0.5, 0.95]

# %%
# Fit three quantiles with one network
# ------------------------------------
# The network has one output per quantile, and ``predict`` returns one column for each, in ascending order. With few
# rows, use a small network and strong weight decay: a network that overfits predicts an interval that is too narrow.

model = make_pipeline(
    StdScaler(),
    ActivationMLPRegressor(
        Quantile(QUANTILES),
        hidden_layer_sizes=(8,),
        activation="elu",
        solver="adamw",
        alpha=1.0,
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=100,
        random_state=0,
    ),
)
covered, losses, constants = [], [], []
for train, test in ShuffleSplit(10, test_size=0.3, random_state=0).split(X):
    low, median, high = model.fit(X[train], y[train]).predict(X[test]).T
    covered.append(np.mean((low <= y[test]) & (y[test] <= high)))
    losses.append([mean_pinball_loss(y[test], p, alpha=q) for p, q in zip((low, median, high), QUANTILES, strict=True)])
    fixed = np.quantile(y[train], QUANTILES)
    constants.append(
        [mean_pinball_loss(y[test], np.full(len(test), p), alpha=q) for p, q in zip(fixed, QUANTILES, strict=True)]
    )

print(f"targets inside the 90 % interval: {np.mean(covered):.1%} of held-out patients, mean of 10 splits")
print(f"{'quantile':>10}{'pinball loss':>14}{'of a constant':>15}")
for q, loss, constant in zip(QUANTILES, np.mean(losses, axis=0), np.mean(constants, axis=0), strict=True):
    print(f"{q:10.2f}{loss:14.2f}{constant:15.2f}")

# %%
# Plot
# ----
# The plot shows the held-out patients of the last split, sorted by their predicted median.

order = np.argsort(median)
fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
places = np.arange(len(order))
ax.fill_between(places, low[order], high[order], alpha=0.3, label="0.05 to 0.95 quantile")
ax.plot(places, median[order], label="median")
inside = ((low <= y[test]) & (y[test] <= high))[order]
ax.plot(places[inside], y[test][order][inside], ".", color="black", label="target, inside")
ax.plot(places[~inside], y[test][order][~inside], "x", color="tab:red", label="target, outside")
ax.set(xlabel="patient", ylabel="progression of the disease", title=f"{inside.mean():.0%} of the targets are inside")
ax.legend()
plt.show()
