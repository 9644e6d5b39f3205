"""
Centre images: one mean per pixel or one per channel
====================================================

Images are first resized to one size. Then there are two ways to centre them. AlexNet subtracts the mean image: one mean
per pixel and channel. VGGNet subtracts three numbers: one mean per channel.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import zoom
from sklearn.datasets import load_sample_images
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, MeanCenterer

# %%
# Resize the images
# -----------------
# Two photographs, of a temple and of a flower, are cut into pieces between 24 and 80 pixels wide. Each piece is resized
# to 12 x 12 pixels with three channels and flattened to a row. The task is to predict which photograph it is from.

SIDE = 12
rng = np.random.default_rng(0)
photographs = load_sample_images().images


def crop(photograph):
    """Return a random square piece of a photograph, resized."""
    side = rng.integers(24, 81)
    top, left = (rng.integers(0, extent - side) for extent in photograph.shape[:2])
    piece = photograph[top : top + side, left : left + side] / 255
    return zoom(piece, (SIDE / side, SIDE / side, 1), order=1)


y = rng.integers(0, 2, 800)
X = np.array([crop(photographs[label]).ravel() for label in y])
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
print(f"{len(X)} pieces of {len(X[0])} numbers each")

# %%
# Compare the two means
# ---------------------
# Each accuracy is the mean over five seeds.

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is fixed on purpose
centerers = {"mean image": MeanCenterer(), "channel means": MeanCenterer(n_channels=3)}
scores = {}
for name, centerer in {"none": None, **centerers}.items():
    found = []
    for seed in range(5):
        network = ActivationMLPClassifier((32,), learning_rate_init=0.003, max_iter=30, random_state=seed)
        model = network if centerer is None else make_pipeline(centerer, network)
        found.append(model.fit(X_train, y_train).score(X_test, y_test))
    scores[name] = np.mean(found)

image, channels = (centerer.fit(X_train).mean_ for centerer in centerers.values())
left_over = np.abs(centerers["channel means"].transform(X_train).reshape(-1, 3).mean(axis=0)).max()
print(f"P5: the mean image has {len(np.unique(image))} numbers, the channel means are {channels[:3].round(3)}")
means = X_train.reshape(-1, 3).mean(axis=0)
print(f"P5: means of the channels over all training pieces: {means.round(3)}, after centring {left_over:.0e}")
print(
    f"P5: accuracy {scores['none']:.3f} without centring, {scores['mean image']:.3f} with the mean image, "
    f"{scores['channel means']:.3f} with channel means"
)
gain = max(scores.values()) - scores["none"]
print(f"P5: centring {'helps' if gain > 0.01 else 'makes no clear difference'} here")

# %%
# Plot
# ----

figure, axes = plt.subplots(1, 4, figsize=(10, 2.9), layout="constrained")
panels = {
    "a temple piece": X[y == 0][0],
    "a flower piece": X[y == 1][0],
    "mean image": image,
    "channel means": channels,
}
for ax, (title, row) in zip(axes, panels.items(), strict=True):
    ax.imshow(row.reshape(SIDE, SIDE, 3))
    ax.set(title=title, xticks=[], yticks=[])
plt.show()
