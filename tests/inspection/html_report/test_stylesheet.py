import re

import pytest

from skneural.inspection.html_report.stylesheet import PAGE_STYLE, STYLE


def colours(part):
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", part))


def luminance(colour):
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def mixed(one, other, fraction):
    parts = [round(fraction * int(one[i : i + 2], 16) + (1 - fraction) * int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)


LIGHT, DARK = (colours(part) for part in STYLE.split("@media", 1))


def test_both_schemes_name_the_same_colours():
    assert set(LIGHT) == set(DARK)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read(scheme):
    for text in ("text", "muted", "good", "bad"):
        for ground in ("page", "panel"):
            assert contrast(scheme[text], scheme[ground]) >= 4.5
    assert contrast(scheme["text"], mixed(scheme["c0"], scheme["page"], 0.45)) >= 4.5  # a full cell of the matrix


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_lines_can_be_seen(scheme):
    for line in ("c0", "c1"):
        assert contrast(scheme[line], scheme["panel"]) >= 3


def test_nothing_is_loaded_and_nothing_outside_the_report_is_styled():
    assert not re.search(r"url\(|@import|http|expression", STYLE + PAGE_STYLE)
    selectors = re.findall(r"(?:^|})\s*([^{}@]+?)\s*{", STYLE)
    assert selectors
    assert all(each.strip().startswith(".skneural-report") for rule in selectors for each in rule.split(","))
