"""
Why zero-centred activations matter
===================================

For one row, the gradient with respect to a unit's incoming weights is the vector of its inputs times one number. If all
inputs are positive, as behind a sigmoid layer, all entries of this gradient have the same sign. Then a step increases
all weights of the unit or decreases all of them, and the path to the best weights is a zig-zag. Inputs and activations
with a mean near zero avoid this.
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
# Count gradients of one sign
# ---------------------------
# The inputs of layer 0 are the pixels, and the inputs of layer 1 are the outputs of layer 0. The table shows two
# fractions: the rows for which the gradient of each unit has one sign, and the units whose gradient still has one sign
# after averaging over many rows.

activations = ["logistic", "relu", "tanh", "elu"]
rows, units, losses = {}, {}, {}
print(f"{'':>32}{'layer 0, behind pixels':>26}{'layer 1, behind layer 0':>26}")
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
        fractions = (first.one_sign_inputs, first.one_sign_gradients, second.one_sign_inputs, second.one_sign_gradients)
        print(f"{title + ', ' + activation:>32}", *(f"{fraction:12.0%}" for fraction in fractions))

raw, centred = inputs
behind = {name: rows[centred, name][1] for name in activations}
mixed = {name: units[centred, name][1] for name in activations}
print(
    f"A3: gradients have one sign for {behind['logistic']:.0%} of the rows behind a sigmoid layer, for "
    f"{behind['tanh']:.0%} behind a tanh layer, for {rows[raw, 'tanh'][0]:.0%} behind pixels that are not centred, for "
    f"{rows[centred, 'tanh'][0]:.0%} behind centred ones"
)
print(
    f"A3: averaged over many rows, {mixed['logistic']:.0%} of the units behind a sigmoid layer have gradients of one "
    "sign"
)
print(f"A5: behind tanh, {behind['tanh']:.0%} of the rows have gradients of one sign, behind elu {behind['elu']:.0%}")
print(f"A7: behind ReLU, {behind['relu']:.0%} of the rows have gradients of one sign: it is not zero-centred either")

# %%
# Does it slow training down?
# ---------------------------
# The table shows the training loss after 15 epochs, with and without centred pixels.

print(f"{'loss after 15 epochs':>24}", *(f"{title:>20}" for title in inputs))
for activation in activations:
    print(f"{activation:>24}", *(f"{losses[title, activation]:20.4f}" for title in inputs))

# %%
# Plot the zig-zag
# ----------------
# One linear unit has two positive inputs, and the best weights have different signs. Each step uses one row, so it
# increases both weights or decreases both. With centred inputs a step can go in any direction. Steps shorter than 0.001
# are not counted.

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
    steps = steps[np.abs(steps).max(axis=1) > 1e-3]
    same = np.mean(np.sign(steps[:, 0]) == np.sign(steps[:, 1]))
    print(f"A3: {title}: {len(steps)} steps to the best weights; {same:.0%} change both weights in one direction")
    ax.plot(*path.T, ".-", color=color, label=f"{title}: {same:.0%} of {len(steps)} steps in one direction")
ax.plot(*best, "k*", markersize=14, label="best weights")
ax.set(xlabel="first weight", ylabel="second weight", title="Steps of one row each")
ax.set_ylim(top=0.9)
ax.legend(loc="upper right", fontsize="small")
plt.show()
