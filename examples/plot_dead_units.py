"""
Dead ReLU units
===============

A ReLU unit is dead if its pre-activation is negative on every row. Its output and its gradient are then zero, so it
cannot learn. Units die because of bad initial weights or, more often, because the learning rate is too high.
:class:`skneural.inspection.NetworkMonitor` records when they die.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from skneural import ActivationMLPClassifier, StdScaler
from skneural.inspection import DeadUnitsDisplay, DeadUnitsWarning, NetworkMonitor, unit_report

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
scaler = StdScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)

# %%
# Fraction of dead units by learning rate
# ---------------------------------------
# Each network is trained for fifteen epochs, with a monitor on the training rows. The warnings of dead units and of too
# few epochs are silenced, because this example causes them on purpose.

warnings.simplefilter("ignore", DeadUnitsWarning)
warnings.simplefilter("ignore", ConvergenceWarning)
rates = [0.001, 0.01, 0.03, 0.1, 0.3, 1.0]
monitors, models = {}, {}
print(f"{'learning rate':>14}{'dead in layer 0':>17}{'in layer 1':>12}{'test accuracy':>15}")
for rate in rates:
    model = ActivationMLPClassifier((100, 50), learning_rate_init=rate, max_iter=15, random_state=0)
    monitors[rate] = NetworkMonitor(X_train)
    models[rate] = model.set_callbacks(monitors[rate]).fit(X_train, y_train)
    first, second = monitors[rate].dead[-1]
    print(f"{rate:14g}{first:17.0%}{second:12.0%}{model.score(X_test, y_test):15.3f}")

# %%
# When do units die?
# ------------------
# Epoch 0 is before training. Units that are dead then have bad initial weights. Here almost none are.

before = max(monitor.dead[0].max() for monitor in monitors.values())
at_end = {rate: monitor.dead[-1].max() for rate, monitor in monitors.items()}  # in the layer that has more
print(
    f"A8: dead before training {before:.0%} at most; after 15 epochs {at_end[0.001]:.0%} at the default rate, "
    f"{at_end[0.03]:.0%} at rate 0.03, {at_end[1.0]:.0%} at rate 1"
)
for sentence in monitors[1.0].deaths:
    print(f"A8: at rate 1: {sentence}")
usual = [rate for rate in rates if 0.1 <= at_end[rate] <= 0.2]
where = f"at rates {usual}" if usual else "at none of these rates"
print(f"A8: the lecture calls 10 to 20 % of dead units usual in a trained network; they are seen {where}")
for recommendation in unit_report(models[1.0], X_train, y_train).recommendations:
    print(f"A8: recommendation at rate 1: {recommendation}")
at_default = unit_report(models[0.001], X_train, y_train).recommendations
print(f"A8: recommendations at the default rate: {at_default if at_default else 'none'}")

# %%
# Bad initial biases
# ------------------
# Initial weights and biases can make a unit negative on every row before the first step. Here all initial biases are
# -5.

shifted = ActivationMLPClassifier((100, 50), bias_init=-5.0, max_iter=15, random_state=0)
monitor = NetworkMonitor(X_train)
shifted.set_callbacks(monitor).fit(X_train, y_train)
print(f"A8: with biases that begin at -5, {monitor.dead[0, 0]:.0%} of layer 0 are dead before training")

# %%
# Positive initial biases
# -----------------------
# Some authors use initial biases of 0.01, so that all units are active at first. With ``he_uniform``, all initial
# biases are ``bias_init``. The learning rate is high enough for some units to die.

print(f"{'bias_init':>14}{'dead in layer 1':>17}{'test accuracy':>15}")
outcome = {}
for bias_init in (0.0, 0.01, 0.1):
    runs = []
    for seed in range(5):
        model = ActivationMLPClassifier(
            (100, 50),
            learning_rate_init=0.03,
            weight_init="he_uniform",
            bias_init=bias_init,
            max_iter=10,
            random_state=seed,
        ).fit(X_train, y_train)
        runs.append((unit_report(model, X_train).layers[1].dead, model.score(X_test, y_test)))
    outcome[bias_init] = np.mean(runs, axis=0)
    print(f"{bias_init:14g}{outcome[bias_init][0]:17.1%}{outcome[bias_init][1]:15.4f}")
change = 100 * (outcome[0.01] - outcome[0.0])
print(
    f"A9: biases of 0.01 instead of 0 change the share of dead units by {change[0]:+.1f} points and the accuracy by "
    f"{change[1]:+.2f} points, means of five seeds"
)

# %%
# Plot
# ----

figure, ax = plt.subplots(layout="constrained")
for rate, color in zip([0.01, 0.03, 0.1, 1.0], ["#009E73", "#56B4E9", "#0072B2", "#D55E00"], strict=True):
    epochs, fractions = np.array(monitors[rate].epochs), monitors[rate].dead
    ax.set_prop_cycle(color=[color])
    DeadUnitsDisplay(epochs, fractions[:, 1:], [f"learning rate {rate:g}"]).plot(ax)
ax.set_title("Dead units in the second hidden layer")
plt.show()
