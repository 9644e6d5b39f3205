"""
Everything on one page
======================

``report`` puts all that there is to see of a fitted network on one HTML page: what the model is, how training went,
what the hidden units do and what to do about them, where predictions are wrong, and whether the gradient is right. The
page needs neither network nor script; in a notebook it shows itself.
"""

# sphinx_gallery_thumbnail_path = 'images/report.png'

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, StdScaler
from skneural.inspection import report

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
network = ActivationMLPClassifier((100, 50), learning_rate_init=0.01, early_stopping=True, random_state=0)
model = make_pipeline(StdScaler(), network).fit(X_train, y_train)

page = report(model, X_test, y_test)
path = page.save("report.html")
print(page)
print(f"{path}: {path.stat().st_size / 1024:.0f} KiB")

# %%
# The page
# --------

page
