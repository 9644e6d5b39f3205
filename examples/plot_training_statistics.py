"""
Statistics of the training data, and of nothing else
====================================================

The mean that is subtracted, and whatever else a transformer learns, comes from the training rows; test rows are treated
with it as they are. With mini-batches it is still the mean of the whole training set, computed once; and where that is
huge, a sample may do.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, MeanCenterer, PCAWhitener, StdScaler

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

# %%
# Test rows never move the statistics
# -----------------------------------
# In a Pipeline this holds by construction: ``predict`` and ``score`` transform, and only ``fit`` learns. The test rows
# are even shifted here, by 5 grey levels, and it shows in what the network sees.

model = make_pipeline(StdScaler(), ActivationMLPClassifier(learning_rate_init=0.01, random_state=0)).fit(
    X_train, y_train
)
scaler = model[0]
before = [scaler.mean_.copy(), scaler.scale_.copy()]
model.score(X_test + 5, y_test)
moved = max(np.abs(new - old).max() for new, old in zip([scaler.mean_, scaler.scale_], before, strict=True))
print(f"P4: after scoring shifted test rows mean and scale have moved by {moved:g}")
print(
    f"P4: mean and scale equal those of the {len(X_train)} training rows: largest difference "
    f"{np.abs(scaler.mean_ - X_train.mean(axis=0)).max():.1e}; those of all {len(X)} rows would differ by "
    f"{np.abs(scaler.mean_ - X.mean(axis=0)).max():.2f} grey levels"
)

# %%
# Mini-batches
# ------------
# A mean per mini-batch would be a different one each time. ``partial_fit`` goes through the training set in chunks, and
# arrives at the statistics of the whole.

chunks = np.array_split(X_train, 41)
batch_means = np.array([chunk.mean(axis=0) for chunk in chunks])
furthest = np.abs(batch_means - X_train.mean(axis=0)).max()
print(f"P6: means of single chunks of {len(chunks[0])} rows are up to {furthest:.1f} grey levels off")
activation_params = {MeanCenterer(): "mean_", StdScaler(): "var_", PCAWhitener(n_components=20): "explained_variance_"}
for transformer, attribute in activation_params.items():
    whole = getattr(transformer.fit(X_train), attribute)
    streamed = clone(transformer)
    for chunk in chunks:
        streamed.partial_fit(chunk)
    difference = np.abs(getattr(streamed, attribute) - whole).max() / np.abs(whole).max()
    print(
        f"P6: {type(transformer).__name__}: {attribute} of partial_fit over {len(chunks)} chunks and of fit on the "
        "whole "
        f"differ by {difference:.0e} of the largest"
    )

# %%
# A sample
# --------
# A huge set of rows: half a million, of ten features. The mean of a sample of k rows is off by σ / √k, or, since rows
# are drawn without replacement, a little less.

rng = np.random.default_rng(0)
huge = rng.normal(3, 2, size=(500_000, 10)).astype(np.float32)
exact = MeanCenterer().fit(huge).mean_
sizes = [1_000, 10_000, 100_000]
errors = []
for k in sizes:
    sampled = [MeanCenterer(subsample=k, random_state=seed).fit(huge).mean_ for seed in range(5)]
    errors.append(np.sqrt(np.mean((np.array(sampled) - exact) ** 2)))
    theory = 2 * np.sqrt((1 - k / len(huge)) / k)
    print(f"P7: mean estimated from {k:7,d} of {len(huge):,d} rows: error {errors[-1]:.4f}, theory {theory:.4f}")

# %%
# The picture
# -----------

figure, ax = plt.subplots(layout="constrained")
fine = np.geomspace(500, 400_000, 100)
ax.loglog(fine, 2 * np.sqrt((1 - fine / len(huge)) / fine), color="0.6", label="theory: 2 √((1 - k/n) / k)")
ax.loglog(sizes, errors, "o", color="#D55E00", label="measured")
ax.set(
    xlabel="rows in the sample, k",
    ylabel="error of the mean (standard deviation 2)",
    title="A mean from a sample of 500,000 rows",
)
ax.legend()
plt.show()
