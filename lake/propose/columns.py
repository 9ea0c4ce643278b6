"""What the values of a column are, as far as they say it themselves; and what they leave open, as questions."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

# JDK pattern (as a contract declares it), the texts that it reads, the same for Python, and its twin: the pattern that
# takes the same texts for other days.
_DATES = (
    ("yyyy-MM-dd", r"\d{4}-\d\d-\d\d", "%Y-%m-%d", ""),
    ("yyyy/MM/dd", r"\d{4}/\d\d/\d\d", "%Y/%m/%d", ""),
    ("yyyyMMdd", r"(19|20)\d{6}", "%Y%m%d", ""),
    ("d/M/yyyy", r"\d{1,2}/\d{1,2}/\d{4}", "%d/%m/%Y", "M/d/yyyy"),
    ("M/d/yyyy", r"\d{1,2}/\d{1,2}/\d{4}", "%m/%d/%Y", "d/M/yyyy"),
    ("d-M-yyyy", r"\d{1,2}-\d{1,2}-\d{4}", "%d-%m-%Y", "M-d-yyyy"),
    ("M-d-yyyy", r"\d{1,2}-\d{1,2}-\d{4}", "%m-%d-%Y", "d-M-yyyy"),
    ("d.M.yyyy", r"\d{1,2}\.\d{1,2}\.\d{4}", "%d.%m.%Y", "M.d.yyyy"),
    ("M.d.yyyy", r"\d{1,2}\.\d{1,2}\.\d{4}", "%m.%d.%Y", "d.M.yyyy"),
)
_TIMES = (("H:mm:ss", r"\d{1,2}:\d\d:\d\d", "%H:%M:%S"), ("H:mm", r"\d{1,2}:\d\d", "%H:%M"))
_NULLS = ("-", "--", "n/a", "na", "null", "none", "nan", "#n/a", "?", "unknown", "nil")
_SURE_NULLS = ("-", "--", "n/a", "null", "#n/a")  # in a column of texts the others may be a name or a value
_BOOLEANS = ({"yes", "no"}, {"y", "n"}, {"true", "false"}, {"yes", "no", "y", "n"}, {"t", "f"})
_TRUE = ("yes", "y", "true", "t")
_PERSONAL = re.compile(
    r"(?:.*_)?(?:(?:first|last|sur|full|nick)?names?|(?:tele|cell)?phones?|mobile|cell|e_?mails?|mail|address|street"
    r"|customers?|clients?|drivers?|staff|employees?|takers?|persons?|birth\w*|passport|contacts?|cooks?|riders?|couriers?"
    r"|deliverers?|waiters?|cashiers?|operators?)(?:_.*)?"
)
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.I)
_CODE = re.compile(r"id|no|nr|number|num|code|key|ref|reference|sku")
_INTEGER, _DECIMAL = re.compile(r"[+-]?(0|[1-9]\d{0,17})"), re.compile(r"[+-]?\d{1,18}(\.\d{1,12})?")
_COMMA = re.compile(r"[+-]?(\d{1,3}([ .']\d{3})+|\d+),\d{1,12}")
FEW = 12  # so many values at most make a list of allowed ones
_ROWS_FOR_A_LIST = 10  # rows a value, at least


@dataclass
class Guess:
    """One column. `questions` are sentences for the person who knows the source."""

    name: str
    header: str
    kind: str = "string"
    type: str = "string"
    formats: tuple[str, ...] = ()
    nulls: tuple[str, ...] = ("",)
    allowed: tuple[str, ...] = ()
    true_spellings: tuple[str, ...] = ()
    false_spellings: tuple[str, ...] = ()
    personal: bool = False
    empty: int = 0
    distinct: int = 0
    unique: bool = False  # every row has a value, and another one
    questions: list[str] = field(default_factory=list)


def plain(header: str) -> str:
    """The header as the name of a column: lower case letters, digits and underscores; empty when nothing is left."""
    text = re.sub(r"[º°ª˚]", "", header)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", text).strip("_")
    return name if not name or name[0].isalpha() else f"c_{name}"


def guess(header: str, values: Sequence[str], date_order: str | None = None) -> Guess:
    """What a column is. `date_order`: "dmy" or "mdy" where a person knows it."""
    texts = [value.strip() for value in values]
    filled = [text for text in texts if text]
    found = Guess(plain(header), header, empty=len(texts) - len(filled))
    counted = Counter(filled)
    found.distinct = len(counted)
    found.unique = not found.empty and len(counted) == len(texts)
    if not filled:
        found.questions.append("no row has a value, so nothing is known of it: text, until somebody says what it is")
        return found
    spelled = [text for text in counted if text.lower() in _NULLS]
    real = [text for text in counted if text.lower() not in _NULLS]
    if real and _typed(found, real, date_order):
        found.nulls = ("", *dict.fromkeys(text.lower() for text in spelled))
    else:
        found.nulls = ("", *dict.fromkeys(text.lower() for text in spelled if text.lower() in _SURE_NULLS))
        for text in spelled:
            if text.lower() not in _SURE_NULLS:
                found.questions.append(f"{text!r} occurs {counted[text]} times: a value, or a way to say nothing?")
        _listed(found, {text: n for text, n in counted.items() if text.lower() not in found.nulls})
    found.personal = found.kind in ("string", "integer") and (
        bool(_PERSONAL.fullmatch(found.name)) or any(_MAIL.fullmatch(text) for text in real[:200])
    )
    if found.personal:
        found.allowed = ()
    return found


def _typed(found: Guess, texts: Sequence[str], date_order: str | None) -> bool:
    """Whether all texts are of one kind that is not text; says which."""
    lower = {text.lower() for text in texts}
    if lower in [set(pair) for pair in _BOOLEANS]:
        found.kind = found.type = "boolean"
        found.true_spellings = tuple(sorted(text for text in lower if text in _TRUE))
        found.false_spellings = tuple(sorted(text for text in lower if text not in _TRUE))
        return True
    return _moment(found, texts, date_order) or _number(found, texts, lower)


def _number(found: Guess, texts: Sequence[str], lower: set[str]) -> bool:
    if all(_INTEGER.fullmatch(text) for text in texts):
        found.kind, found.type = "integer", "bigint" if max(len(text) for text in texts) > 9 else "int"
        if lower == {"0", "1"}:
            found.questions.append("only 0 and 1 occur: a number, or yes and no (logicalType: boolean)?")
        return True
    if all(_DECIMAL.fullmatch(text) for text in texts):
        if any(re.fullmatch(r"[+-]?0\d+", text) for text in texts):
            found.questions.append("numbers with leading zeros: taken for a code, so text")
            return False
        scale = max(len(text.partition(".")[2]) for text in texts)
        whole = max(len(text.lstrip("+-").partition(".")[0]) for text in texts)
        found.kind, found.type = "number", f"decimal({min(38, whole + scale + 3)},{max(scale, 2)})"
        return True
    if all(_DECIMAL.fullmatch(text) or _COMMA.fullmatch(text) for text in texts):
        found.questions.append(
            f"numbers with a decimal comma, such as {next(t for t in texts if ',' in t)!r}: text until the contract "
            "says logicalType: number, and how its numbers are written"
        )
    return False


def _moment(found: Guess, texts: Sequence[str], date_order: str | None) -> bool:
    """Dates, times and both. Days and months that cannot be told apart are a question, never a guess."""
    times = [pattern for pattern, form, code in _TIMES if _any_reads(texts, form, code)]
    if times and _all_read(texts, [(form, code) for pattern, form, code in _TIMES if pattern in times]):
        found.kind, found.type, found.formats = "time", "string", tuple(times)
        return True
    for kind, type_, endings in (
        ("date", "date", (("", "", ""),)),
        (
            "timestamp",
            "timestamp_ntz",
            tuple(
                (f"{gap}{pattern}", f"{form_gap}{form}", f"{form_gap}{code}")
                for gap, form_gap in ((" ", " "), ("'T'", "T"))
                for pattern, form, code in (("H:mm:ss", _TIMES[0][1], _TIMES[0][2]), ("H:mm", _TIMES[1][1], "%H:%M"))
            ),
        ),
    ):
        forms = {
            day + end: (form + end_form, code + end_code, twin and twin + end)
            for day, form, code, twin in _DATES
            for end, end_form, end_code in endings
        }
        used = {name: form for name, form in forms.items() if _any_reads(texts, form[0], form[1])}
        if not used or not _all_read(texts, [(form, code) for form, code, _ in used.values()]):
            continue
        chosen = _without_twins(found, texts, used, date_order)
        if chosen is None:
            return False
        found.kind, found.type, found.formats = kind, type_, chosen
        return True
    return False


def _without_twins(
    found: Guess, texts: Sequence[str], used: dict[str, tuple[str, str, str]], date_order: str | None
) -> tuple[str, ...] | None:
    """The patterns that the values need. None, and a question, where two read the same values as other days."""
    chosen = []
    for name, (form, code, twin) in used.items():
        if twin not in used:
            chosen.append(name)
            continue
        matching = [text for text in texts if re.fullmatch(form, text)]
        mine = all(_reads(text, form, code) for text in matching)
        other = all(_reads(text, *used[twin][:2]) for text in matching)
        if (mine and not other) or (mine == other and date_order and name[0] == date_order[0].replace("m", "M")):
            chosen.append(name)
        elif mine == other and not date_order:
            day = next((text for text in matching), "")
            why = "both fit every value" if mine else "each fits only some of the values"
            found.questions.append(
                f"{day!r} is a date, but day and month cannot be told apart ({name} and {twin}: {why}). It stays text "
                f"until somebody who knows writes logicalType: date, physicalType: date and formats: [{name!r}] or "
                f"[{twin!r}] (or: lake contract new --date-order dmy|mdy)"
            )
            return None
    return tuple(chosen) if _all_read(texts, [used[name][:2] for name in chosen]) else None


def _reads(text: str, form: str, code: str) -> bool:
    if not re.fullmatch(form, text):
        return False
    try:
        datetime.strptime(text, code)
    except ValueError:
        return False
    return True


def _any_reads(texts: Sequence[str], form: str, code: str) -> bool:
    return any(_reads(text, form, code) for text in texts)


def _all_read(texts: Sequence[str], forms: Sequence[tuple[str, str]]) -> bool:
    return all(any(_reads(text, form, code) for form, code in forms) for text in texts)


def _listed(found: Guess, counted: dict[str, int]) -> None:
    """Few values in many rows are a list; a new one is flagged, and its row kept."""
    rows = sum(counted.values())
    if 1 < len(counted) <= FEW and rows >= _ROWS_FOR_A_LIST * len(counted):
        found.allowed = tuple(sorted(counted, key=lambda text: (-counted[text], text)))
        folded = Counter(text.casefold().strip() for text in counted)
        twice = [text for text in found.allowed if folded[text.casefold()] > 1]
        if twice:
            found.questions.append(f"spellings of one value? {', '.join(twice)}: keep the right one in the list")


def looks_like_a_key(found: Guess) -> bool:
    """Whether its name says that it tells rows apart."""
    return any(_CODE.fullmatch(part) for part in found.name.split("_")) or found.name.endswith("id")
