"""Colours that everybody can read and tell apart."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest

from dashboard import palette

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
SIGHT = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
TOLD_APART = 10.0  # CIE76 between neighbours of one chart; 2.3 is just noticeable


def linear(colour: str) -> tuple[float, ...]:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def seen(colour: str, sight: str) -> tuple[float, float, float]:
    """CIE Lab as somebody with this sight sees it."""
    rgb = linear(colour)
    red, green, blue = (min(1.0, max(0.0, sum(a * b for a, b in zip(row, rgb)))) for row in SIGHT[sight])
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("colour", palette.TEXTS)
@pytest.mark.parametrize("ground", [palette.BACKGROUND, palette.PANEL])
def test_text_can_be_read(colour, ground):
    assert contrast(colour, ground) >= 4.5


@pytest.mark.parametrize("colour", palette.MARKS)
def test_what_charts_are_drawn_with_can_be_seen(colour):
    assert contrast(colour, palette.BACKGROUND) >= 3.0


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(
    "together", [(palette.DOOR, palette.DRIVE), (palette.PEAK, palette.OFF_PEAK), palette.CATEGORIES, palette.HEAT]
)
def test_colours_of_one_chart_are_told_apart_with_any_colour_vision(sight, together):
    for one, other in combinations(together, 2):
        apart = sum((a - b) ** 2 for a, b in zip(seen(one, sight), seen(other, sight))) ** 0.5
        assert apart >= TOLD_APART, (one, other, round(apart, 1))


def test_figures_in_the_heat_map_can_be_read_on_both_sides_of_the_change():
    assert contrast(palette.TEXT, palette.HEAT[0]) >= 4.5
    assert contrast(palette.BACKGROUND, palette.HEAT[1]) >= 4.5


def test_the_style_uses_declared_colours_only():
    style = Path(palette.__file__).with_name("style.css").read_text()

    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", style)
    assert set(re.findall(r"\$(\w+)", style)) <= {name for name in vars(palette) if name.isupper()}
