"""
Ensembles that share weights: where members disagree
====================================================

With ``n_members=16`` one estimator trains 16 networks that share their hidden layers. Their mean is the prediction.
Their spread, the standard deviation over the members, shows where they disagree. This example looks at the spread away
from the training rows, and tests on real data whether predictions with a large spread have large errors.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import spearmanr
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit

from skneural import ActivationMLPRegressor, StdScaler

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is fixed on purpose

# %%
# Far from the data, members disagree
# -----------------------------------
# The training rows lie between -3 and -1 and between 1 and 3. The loss compares the members there, so they agree there.
# Nothing makes them agree elsewhere.


def function(x):
    return np.sin(2 * x)


rng = np.random.default_rng(0)
x = np.concatenate([rng.uniform(-3, -1, 60), rng.uniform(1, 3, 60)])
y = function(x) + rng.normal(0, 0.1, x.size)
settings = {"n_members": 16, "learning_rate": "cosine", "learning_rate_init": 0.005, "random_state": 0}
model = ActivationMLPRegressor(hidden_layer_sizes=(50, 50), alpha=0.0, batch_size=32, max_iter=300, **settings)
model.fit(x[:, None], y)

grid = np.linspace(-5, 5, 201)
members = model.predict_members(grid[:, None])  # one row per member
mean, spread = members.mean(axis=0), members.std(axis=0)
error = np.abs(mean - function(grid))
places = {
    "among the rows": (np.abs(grid) > 1) & (np.abs(grid) < 3),
    "in the gap": np.abs(grid) < 0.7,
    "outside": np.abs(grid) > 4,
}
print(f"{'':>16}{'spread':>8}{'error':>8}")
for place, there in places.items():
    print(f"{place:>16}{spread[there].mean():8.3f}{error[there].mean():8.3f}")

# %%
# The spread grows where the error grows, but it is smaller than the error. So use it to rank predictions, not as an
# interval. For intervals, train quantiles.
#
# Does the spread rank the errors on real data?
# ---------------------------------------------
# Two data sets: the worst radius of the cells of a tumour, predicted from the means of ten measurements, and the
# progression of diabetes. Spearman's rank correlation is 1 if a larger spread always comes with a larger error, and 0
# if the two have nothing to do with each other. It is computed on ten random test sets.

cancer = load_breast_cancer()
target = list(cancer.feature_names).index("worst radius")
data = {
    "worst radius": (cancer.data[:, :10], cancer.data[:, target]),
    "diabetes": load_diabetes(return_X_y=True),
}
quarters = {}
for name, (X, y_all) in data.items():
    correlations, scores, errors_by_quarter = [], [], []
    for train, test in ShuffleSplit(10, test_size=0.3, random_state=0).split(X):
        scaler = StdScaler().fit(X[train])
        X_train, X_test, y_test = scaler.transform(X[train]), scaler.transform(X[test]), y_all[test]
        model = ActivationMLPRegressor(hidden_layer_sizes=(50,), max_iter=60, **settings).fit(X_train, y_all[train])
        spread_test = model.predict_members(X_test).std(axis=0)
        errors = np.abs(model.predict(X_test) - y_test)
        correlations.append(spearmanr(spread_test, errors).statistic)
        scores.append(model.score(X_test, y_test))
        sorted_errors = errors[np.argsort(spread_test)] / errors.mean()
        errors_by_quarter.append([quarter.mean() for quarter in np.array_split(sorted_errors, 4)])
    quarters[name] = np.mean(errors_by_quarter, axis=0)
    print(
        f"{name}: rank correlation of spread and error {np.mean(correlations):.2f}, from {min(correlations):.2f} to "
        f"{max(correlations):.2f}; R² {np.mean(scores):.2f}"
    )

# %%
# For the radius, of which the features explain almost all, the quarter of the tumours with the largest spread has about
# twice the error of the quarter with the smallest. For the diabetes data a large spread does not mean a large error. Of
# this target the network explains only half of the variance, and what no member can predict makes none of them differ.
# The spread shows what the training rows leave open; it does not show noise. So measure the correlation on held-out
# rows of your own before you rely on it.
#
# Plot
# ----

figure, (curves, bars) = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=[3, 2], layout="constrained")
curves.plot(grid, members.T, color="#0072B2", alpha=0.35, linewidth=0.8)
curves.plot([], [], color="#0072B2", alpha=0.6, linewidth=0.8, label="members")
curves.fill_between(grid, mean - 2 * spread, mean + 2 * spread, color="#0072B2", alpha=0.12, label="mean ± 2 spreads")
curves.plot(grid, mean, color="#0072B2", linewidth=2, label="mean")
curves.plot(grid, function(grid), "--", color="black", linewidth=1, label="true function")
curves.plot(x, y, ".", color="#D55E00", markersize=4, label="training rows")
curves.set(xlabel="x", ylabel="y", ylim=(-3, 3), title="16 members of one network")
curves.legend(loc="lower center", ncols=3, fontsize="small")
for offset, (name, heights), color in zip((-0.2, 0.2), quarters.items(), ("#0072B2", "#E69F00"), strict=True):
    bars.bar(np.arange(4) + offset, heights, width=0.38, color=color, label=name)
bars.axhline(1, color="0.3", linewidth=1)
bars.set_xticks(range(4), ["smallest", "second", "third", "largest"])
bars.set(xlabel="quarter of the test rows by spread", ylabel="mean error / overall mean", title="Error by spread")
bars.legend(loc="upper left", fontsize="small")
plt.show()
