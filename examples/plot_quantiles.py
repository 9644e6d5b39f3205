"""
Quantiles: a band for 90 % of the targets
=========================================

A prediction is more useful with its uncertainty. One network with the pinball loss predicts several quantiles, here of
the progression of diabetes one year after ten measurements. Between the 0.05 and the 0.95 quantile there should lie
nine of ten patients. Whether that holds for patients whom the network has not seen is measured here.
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
# Three quantiles, one network
# ----------------------------
# The network has an output for each quantile and predicts a column for each. The columns never cross. Few rows need a
# small network and much weight decay: a network that learns its rows by heart draws the band too narrow.

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

print(f"targets within the 90 % band: {np.mean(covered):.1%} of unseen patients, mean of 10 splits")
print(f"{'quantile':>10}{'pinball loss':>14}{'of a constant':>15}")
for q, loss, constant in zip(QUANTILES, np.mean(losses, axis=0), np.mean(constants, axis=0), strict=True):
    print(f"{q:10.2f}{loss:14.2f}{constant:15.2f}")

# %%
# The band, patient by patient
# ----------------------------
# The patients of the last split, in the order of their predicted median.

order = np.argsort(median)
fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
places = np.arange(len(order))
ax.fill_between(places, low[order], high[order], alpha=0.3, label="0.05 to 0.95 quantile")
ax.plot(places, median[order], label="median")
inside = ((low <= y[test]) & (y[test] <= high))[order]
ax.plot(places[inside], y[test][order][inside], ".", color="black", label="target, inside")
ax.plot(places[~inside], y[test][order][~inside], "x", color="tab:red", label="target, outside")
ax.set(
    xlabel="patient", ylabel="progression of the disease", title=f"{inside.mean():.0%} of the targets lie in the band"
)
ax.legend()
plt.show()
