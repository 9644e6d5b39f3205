import numpy as np
from sklearn.datasets import load_iris

from skneural import Tanh
from skneural.inspection import check_gradient
from skneural.inspection.html_report.gradient_section import gradient_section

X, y = load_iris(return_X_y=True)


def test_the_gradient_check_is_shown_array_by_array(fitted, tables):
    report = check_gradient(fitted(), X, y)
    rows = tables(gradient_section(report))["Relative errors"][1:]
    assert [row[0] for row in rows] == [check.array for check in report.checks]
    assert [row[5] for row in rows] == [f"{check.max_error:.0e}" for check in report.checks]
    assert {row[-1] for row in rows} == {"good"}


class Forgetful(Tanh):
    def backward(self, dA, Z, A, out=None):
        return np.positive(dA, out=out)


def test_a_wrong_gradient_stands_out(fitted):
    section = gradient_section(check_gradient(fitted(Forgetful()), X, y))
    assert '<td class="bad">wrong</td>' in section.body
