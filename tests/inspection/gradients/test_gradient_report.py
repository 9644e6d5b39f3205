"""The report of a gradient check: verdicts, table, error."""

import math

import pytest

from skneural.inspection.gradients.gradient_report import ArrayCheck, GradientError, GradientReport, verdict

GOOD = ArrayCheck("coefs_[0]", "data loss", 30, 1, 2, 3e-9, 1e-11, (3, 4), 0.25, 0.25)
BAD = ArrayCheck("intercepts_[1]", "penalty", 5, 0, 0, 0.5, 0.1, (2,), 0.75, 0.25)
NONE = ArrayCheck("slopes_[0]", "data loss", 0, 7, 3)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (0.0, "good"), (1e-7, "good"), (1.1e-7, "acceptable"), (1e-4, "acceptable"), (2e-4, "suspicious"),
        (1e-2, "suspicious"), (0.011, "wrong"), (math.inf, "wrong"), (math.nan, "untested"),
    ],
)  # fmt: skip
def test_the_usual_bands(error, word):
    assert verdict(error) == word


@pytest.mark.parametrize(
    ("checks", "worst", "word"),
    [([GOOD], 3e-9, "good"), ([GOOD, BAD, NONE], 0.5, "wrong"), ([NONE, GOOD], 3e-9, "good")],
)
def test_the_worst_array_decides(checks, worst, word):
    report = GradientReport(checks, 16)
    assert (report.max_error, report.verdict) == (worst, word)
    assert report.n_kinks == sum(check.n_kinks for check in checks)


def test_the_error_names_what_is_wrong_and_nothing_else():
    report = GradientReport([GOOD, BAD, NONE], 16)
    message = (
        r"^The gradient is wrong: intercepts_\[1\] \(penalty\): .* 5.0e-01, "
        r"at \[2\] .* is 0.75, the centred difference 0.25.$"
    )
    with pytest.raises(GradientError, match=message):
        report.raise_if_wrong()
    assert report.raise_if_wrong(tolerance=0.6) is report
    with pytest.raises(GradientError, match="coefs_"):
        report.raise_if_wrong(tolerance=1e-9)
    assert issubclass(GradientError, AssertionError)


def test_without_any_comparison_there_is_nothing_to_be_sure_of():
    report = GradientReport([NONE], 16)
    assert math.isnan(report.max_error)
    with pytest.raises(GradientError, match="No entry of the gradient could be compared"):
        report.raise_if_wrong()
    assert str(report).splitlines()[0] == "Gradient check on 16 rows: untested"


def test_the_table():
    assert str(GradientReport([GOOD, BAD, NONE], 16)).splitlines() == [
        "Gradient check on 16 rows: wrong (largest relative error 5.0e-01)",
        "array                part  checked  kinks  flat  max error  median error   verdict",
        "coefs_[0]       data loss       30      1     2      3e-09         1e-11      good",
        "intercepts_[1]    penalty        5      0     0      5e-01         1e-01     wrong",
        "slopes_[0]      data loss        0      7     3          -             -  untested",
    ]


def test_a_frame_has_a_row_per_check():
    pytest.importorskip("pandas")
    frame = GradientReport([GOOD, BAD], 16).to_frame()
    assert frame["verdict"].tolist() == ["good", "wrong"]
    assert frame["n_flat"].tolist() == [2, 0]
