"""
Leaky ReLU and PReLU: slopes on the negative side
=================================================

Leaky ReLU has a small slope for negative pre-activations, so that its units cannot die. You can search the slope. PReLU
learns it together with the weights.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, LeakyReLU, StdScaler
from skneural.inspection import ActivationDisplay, DeadUnitsWarning, check_gradient, unit_report

X, y = load_digits(return_X_y=True)
X_scaled = StdScaler().fit_transform(X)

# %%
# Units of Leaky ReLU do not die
# ------------------------------
# At this learning rate most ReLU units of the second layer die.

warnings.simplefilter("ignore", DeadUnitsWarning)
warnings.simplefilter("ignore", ConvergenceWarning)
dead = {}
for name in ("relu", "leaky_relu"):
    model = ActivationMLPClassifier((100, 50), name, learning_rate_init=0.1, max_iter=10, random_state=0).fit(
        X_scaled, y
    )
    dead[name] = unit_report(model, X_scaled).layers[1].dead
print(
    f"A10: at learning rate 0.1, {dead['relu']:.0%} of the ReLU units of the second layer are dead, and "
    f"{dead['leaky_relu']:.0%} of the Leaky ReLU units"
)

# %%
# Search the slope
# ----------------

network = ActivationMLPClassifier((50,), LeakyReLU(), learning_rate_init=0.01, max_iter=15, random_state=0)
search = GridSearchCV(
    make_pipeline(StdScaler(), network),
    {"activationmlpclassifier__activation__negative_slope": [0.0, 0.01, 0.1, 0.3, 1.0]},
    cv=3,
).fit(X, y)
print(f"{'negative_slope':>18}{'accuracy':>10}")
for parameters, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
    print(f"{next(iter(parameters.values())):18g}{score:10.4f}")
print(f"A10: best negative_slope {next(iter(search.best_params_.values())):g}, accuracy {search.best_score_:.4f}")

# %%
# Learn the slope
# ---------------
# Each PReLU unit starts with slope 0.25 and learns its own.

model = ActivationMLPClassifier((50, 30), "prelu", learning_rate_init=0.01, max_iter=40, random_state=0).fit(
    X_scaled, y
)
for layer, slopes in enumerate(model.slopes_):
    print(
        f"A11: slopes learned by layer {layer}: mean {slopes.mean():.3f}, from {slopes.min():.3f} to "
        f"{slopes.max():.3f}; all started at 0.25"
    )

# %%
# The penalty pulls weights towards zero. A slope of zero would make PReLU a ReLU, so the penalty leaves the slopes out.
# The gradient check confirms it: the penalty has a gradient with respect to the weights only.

decayed = ActivationMLPClassifier((50, 30), "prelu", alpha=0.1, random_state=0)
checks = check_gradient(decayed, X_scaled, y).raise_if_wrong().checks
penalised = sorted({check.array for check in checks if check.part == "penalty"})
slopes = sorted({check.array for check in checks if check.array.startswith("slopes_")})
print(f"A11: {', '.join(slopes)} receive a gradient from the loss; the penalty applies to {', '.join(penalised)} only")

# %%
# Plot
# ----

figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for layer, ax in enumerate(axes):
    ActivationDisplay.from_estimator(model, layer=layer, interval=(-3, 3), ax=ax)
plt.show()
