"""Text on its way through a spreadsheet: nothing runs, nothing changes."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lake.repair import harmless, original


@given(st.text(st.sampled_from("'=+-@\t\r\n 0123456789.,ab＝")) | st.text())
@example("'=1")
@example("''-2 x")
@example(" =1")
def test_what_goes_out_comes_back_and_is_no_formula(text):
    out = harmless(text)

    assert original(out) == text
    assert not re.match(r"\s*[=@\t\r\n＝＠]", out)
    if re.match(r"\s*[-+－＋]", out):
        assert re.fullmatch(r"[-+]?[\d., ]+", out), "only plain numbers may begin so"


@pytest.mark.parametrize("number", ["-5", "-5.25", "+7", "-1 234,50", "-.5", "12"])
def test_a_number_stays_a_number(number):
    assert harmless(number) == number


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+27 82 x", "-2+3", "@SUM(A1)", "-", "=", "－1"])
def test_a_formula_is_a_text(text):
    assert harmless(text) == f"'{text}"
