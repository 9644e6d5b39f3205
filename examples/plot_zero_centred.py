"""
Outputs that are not centred at zero
====================================

The gradient of a unit's incoming weights is its inputs times one number. If all inputs are positive, as the outputs of
a sigmoid layer are, then for each row all these gradients have one sign: all weights of the unit grow together, or
shrink together, and the way to a weight vector with entries of both signs is a zig-zag. Hence zero-mean inputs, and
activations centred at zero.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skneural import ActivationMLPClassifier, MeanCenterer
from skneural.inspection import unit_report

X, y = load_digits(return_X_y=True)
X = X / 16
inputs = {"pixels as they are": X, "pixels centred": MeanCenterer().fit_transform(X)}

# %%
# Who shares one sign?
# --------------------
# Layer 0 sees the pixels, layer 1 the outputs of layer 0. Both shares are counted: of the rows whose gradients have one
# sign within each unit, and of the units whose gradients still have one sign when they are averaged over many rows.

activations = ["logistic", "relu", "tanh", "elu"]
rows, units, losses = {}, {}, {}
print(f"{'':>32}{'layer 0 (sees pixels)':>26}{'layer 1 (sees layer 0)':>26}")
print(f"{'one sign in':>32}{'rows':>13}{'units':>13}{'rows':>13}{'units':>13}")
for title, data in inputs.items():
    for activation in activations:
        model = ActivationMLPClassifier(
            (64, 64), activation, learning_rate="cosine", learning_rate_init=0.003, max_iter=15, random_state=0
        ).fit(data, y)
        first, second = unit_report(model, data, y).layers
        rows[title, activation] = first.one_sign_inputs, second.one_sign_inputs
        units[title, activation] = first.one_sign_gradients, second.one_sign_gradients
        losses[title, activation] = model.loss_
        shares = (first.one_sign_inputs, first.one_sign_gradients, second.one_sign_inputs, second.one_sign_gradients)
        print(f"{title + ', ' + activation:>32}", *(f"{share:12.0%}" for share in shares))

raw, centred = inputs
behind = {name: rows[centred, name][1] for name in activations}
mixed = {name: units[centred, name][1] for name in activations}
print(
    f"A3: behind a sigmoid layer the gradients of a unit share one sign in {behind['logistic']:.0%} of the "
    "rows, behind a tanh "
    f"layer in {behind['tanh']:.0%}; behind uncentred pixels in {rows[raw, 'tanh'][0]:.0%}, behind centred "
    f"ones in {rows[centred, 'tanh'][0]:.0%}"
)
print(
    f"A3: averaged over many rows the signs mix: {mixed['logistic']:.0%} of the units behind a sigmoid layer "
    "keep one sign"
)
print(f"A5: behind tanh {behind['tanh']:.0%} of the rows have one sign, behind elu {behind['elu']:.0%}")
print(f"A7: behind ReLU it is {behind['relu']:.0%}: not zero-centred either")

# %%
# Does it slow training down?
# ---------------------------
# The loss after the same 15 epochs, with and without centred pixels.

print(f"{'loss after 15 epochs':>24}", *(f"{title:>20}" for title in inputs))
for activation in activations:
    print(f"{activation:>24}", *(f"{losses[title, activation]:20.4f}" for title in inputs))

# %%
# The zig-zag itself
# ------------------
# One linear unit, two positive inputs, a best weight vector with entries of both signs, and steps on one row at a time:
# each step moves both weights up, or both down. With centred inputs the path may turn. Steps too short to see are not
# counted.

rng = np.random.default_rng(0)
points = rng.uniform(0.2, 1, (400, 2))
best = np.array([1.0, -1.0])
figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
for (title, data), color in zip(
    {"positive inputs": points, "centred inputs": points - points.mean(axis=0)}.items(),
    ["#D55E00", "#0072B2"],
    strict=True,
):
    path = [np.array([-1.0, -0.5])]
    for x in data:
        path.append(path[-1] - 0.5 * (x @ path[-1] - x @ best) * x / (x @ x))
    path = np.array(path)
    steps = np.diff(path, axis=0)
    seen = steps[np.abs(steps).max(axis=1) > 1e-3]
    alike = np.mean(np.sign(seen[:, 0]) == np.sign(seen[:, 1]))
    print(f"A3: {title}: {len(seen)} steps to the best weights, {alike:.0%} of them move both weights alike")
    ax.plot(*path.T, ".-", color=color, label=f"{title}: {alike:.0%} of {len(seen)} steps move both weights alike")
ax.plot(*best, "k*", markersize=14, label="best weights")
ax.set(xlabel="first weight", ylabel="second weight", title="Steps of one row each")
ax.set_ylim(top=0.9)
ax.legend(loc="upper right", fontsize="small")
plt.show()
