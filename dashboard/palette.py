"""The page's colours, declared once. Told apart by people with any colour vision; checked in the tests.

Contrast by WCAG 2.2: text 4.5:1, and what a chart is drawn with 3:1, against the page's background.
"""

BACKGROUND = "#ffffff"
PANEL = "#f5f7fa"
TEXT = "#1b2430"
QUIET = "#55606e"  # text of less weight
LINE = "#d5dbe3"  # ruled lines: they carry no meaning
ACCENT = "#1f4e8c"
GOOD = "#136a48"
BAD = "#a3260f"

DOOR = "#1f4e8c"  # the clock from order to door
DRIVE = "#c2570c"  # the driver's part
PEAK = "#c2570c"
OFF_PEAK = "#77849a"
CATEGORIES = ("#1f4e8c", "#e0701a", "#0a7f62", "#b25a9b", "#8a8f98")  # the last one is for all others
HEAT = ("#e9eff8", "#173f75")  # light to dark of one hue: more is darker, in print and without colour too

TEXTS = (TEXT, QUIET, ACCENT, GOOD, BAD)
MARKS = (DOOR, DRIVE, PEAK, OFF_PEAK, *CATEGORIES)
