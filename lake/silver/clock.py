"""Dates and times as they come: by the declared formats, in the order declared, and nothing is guessed.

A date and its clock (`clockOf`) are two cells of a record, but people and systems write both into one, write an offset,
or let a day end at 24:00. The usual case is two plain cells; for any other the two are looked at together, and where
they contradict each other the row says so.
"""

from __future__ import annotations

from lake.contracts import Contract, Field
from lake.parsing.records import RAW
from lake.publishing import literal
from lake.silver.numbers import let

AT_ONCE = 2  # formats that are tried as compiled code; the others only where these fail
MIDNIGHT, END = "'00:00:00'", "'24:00:00'"
TOGETHER = "together_"  # column: what a date and its clock say together, where they are not two plain cells
# "…18:30:05.123+02:00": what stands before the fraction of a second, and the offset from UTC.
_MOMENT = r"^(.*?[0-9]:[0-9]{2}(?::[0-9]{2})?)(?:[.,][0-9]+)?(?:\s*(Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?$"
_MERIDIEM = r"(?i)\s*([ap])\.?\s?m\.?$"
_SERIAL_DAY, _SERIAL_TIME = r"^[0-9]{5}(?:\.[0-9]+)?$", r"^0?\.[0-9]+$"


def moment(contract: Contract, field: Field, raw: str) -> str:
    """The value of a date, time or timestamp field by its own cell. A time is text, HH:mm:ss, or 24:00:00."""
    zone = contract.time_zone
    if field.kind == "time":
        return _clock(field, raw)
    if field.kind == "timestamp":
        by_offset = f"CASE WHEN {raw} <> '' THEN {let('x', raw, _local(field, 'x', zone))} END"
        return f"CAST(coalesce({_at_once(field, raw)}, {by_offset}) AS {field.type})"
    days = [pattern for pattern in field.formats if not _has_time(pattern)]
    tries = [_day(raw, pattern) for pattern in days[:AT_ONCE]]
    more = [_day("x", pattern) for pattern in days[AT_ONCE:]]
    has_clock = field.name in {other.clock_of for other in contract.fields}
    if not has_clock and (_moments(field) or field.excel_serials):
        more.append(f"CAST({_local(field, 'x', zone)} AS date)")
    if more:
        tries.append(let("x", f"CASE WHEN {raw} RLIKE '^[0-9]' THEN {raw} END", f"coalesce({', '.join(more)}, NULL)"))
    return f"coalesce({', '.join(tries)})" if tries else "CAST(NULL AS date)"


def together(contract: Contract, is_null: dict[str, str]) -> list[tuple[str, str]]:
    """For each clock of a date a column TOGETHER<time>: struct<day, clock, differ>, null for two plain cells.

    `is_null`: for each field the condition that its cell says nothing.
    """
    found = []
    for time in contract.fields:
        if time.clock_of:
            day = contract.field(time.clock_of)
            found.append((TOGETHER + time.name, _together(day, time, is_null, contract.time_zone)))
    return found


def overlaid(contract: Contract) -> list[tuple[str, str]]:
    """The dates and times with what they say together put over what each says alone."""
    pairs = [(time.clock_of, time.name) for time in contract.fields if time.clock_of]
    days = [(day, f"coalesce(`{TOGETHER}{time}`.day, `{day}`)") for day, time in pairs if day]
    return days + [(time, f"coalesce(`{TOGETHER}{time}`.clock, `{time}`)") for _, time in pairs]


def contradictions(contract: Contract) -> list[tuple[str, str]]:
    """Conditions and words for dates and clocks that contradict each other."""
    found = []
    for time in contract.fields:
        if time.clock_of:
            day = time.clock_of
            words = (
                f"concat({literal(day + ' ')}, '\\'', left(`{RAW}{day}`, 60), '\\' and ', {literal(time.name + ' ')}, "
                f"'\\'', left(`{RAW}{time.name}`, 60), '\\' tell different moments')"
            )
            found.append((f"coalesce(`{TOGETHER}{time.name}`.differ, false)", words))
    return found


def _together(day: Field, time: Field, is_null: dict[str, str], zone: str) -> str:
    raw_day, raw_time = f"`{RAW}{day.name}`", f"`{RAW}{time.name}`"
    d, t = f"`{day.name}`", f"`{time.name}`"
    no_time = f"({raw_time} IS NULL OR {is_null[time.name]})"
    no_day = f"({raw_day} IS NULL OR {is_null[day.name]})"

    def answer(on: str, at: str, differ: str = "false") -> str:
        return f"named_struct('day', CAST({on} AS date), 'clock', CAST({at} AS string), 'differ', {differ})"

    def clock(moment: str) -> str:
        return f"date_format({moment}, 'HH:mm:ss')"

    at_time, at_day = _shift("tw", "tz", zone), _shift("dw", "dz", zone)
    by_time, by_day = answer(at_time, clock(at_time)), answer(at_day, clock(at_day))
    day_clock, other_time = clock("dw"), f"({t} IS NULL OR {t} = {END})"
    by_offset = _shift("try_cast(concat(the_day, ' ', ow) AS timestamp_ntz)", "tz", zone)
    cases = [
        # the cell of the time holds a whole moment
        (f"tw IS NOT NULL AND the_day IS NULL AND {no_day}", by_time),
        ("tw IS NOT NULL AND the_day IS NULL", answer("NULL", clock("tw"))),
        ("tw IS NOT NULL AND CAST(tw AS date) = the_day", by_time),
        ("tw IS NOT NULL AND year(tw) <= 1904 AND tz = ''", answer("the_day", clock("tw"))),  # a spreadsheet's day 0
        ("tw IS NOT NULL", answer("the_day", clock("tw"), "true")),
        ("the_day IS NULL", "NULL"),
        # the cell of the date does; at midnight it is a date that a system wrote as a moment
        (f"dw IS NOT NULL AND {no_time} AND {day_clock} = {MIDNIGHT}", answer("the_day", "NULL")),
        (f"dw IS NOT NULL AND {no_time}", by_day),
        (
            f"dw IS NOT NULL AND {other_time} AND {day_clock} <> {MIDNIGHT}",
            answer("the_day", t, f"{t} IS NOT NULL"),
        ),
        (f"{t} = {END}", answer("date_add(the_day, 1)", MIDNIGHT)),
        (f"dw IS NOT NULL AND {t} = {day_clock}", by_day),
        (
            f"dw IS NOT NULL AND {t} IS NOT NULL",
            answer("the_day", t, f"{day_clock} <> {MIDNIGHT} OR dz <> ''"),
        ),
        (f"{t} IS NULL AND ow IS NOT NULL", let("at", by_offset, answer("at", clock("at")))),
        ("dw IS NOT NULL", answer("the_day", t)),
    ]
    both = f"CASE {' '.join(f'WHEN {when} THEN {then}' for when, then in cases)} END"
    both = let("the_day", f"coalesce({d}, CAST(dw AS date))", both)
    both = let("ow", f"CASE WHEN tz <> '' THEN {_clock(time, 'tn', offsets=False)} END", both)
    both = let("tw", f"CASE WHEN {t} IS NULL THEN {_naive(day, 'tn')} END", both)
    both = let("dw", f"CASE WHEN {d} IS NULL THEN {_naive(day, 'dn')} END", both)
    for name, raw in (("d", raw_day), ("t", raw_time)):
        both = let(f"{name}n", _without_offset(f"coalesce({raw}, '')"), both)
        both = let(f"{name}z", _offset(f"coalesce({raw}, '')"), both)
    return f"CASE WHEN {d} IS NULL OR {t} IS NULL OR {t} = {END} THEN {both} END"


def _local(field: Field, x: str, zone: str) -> str:
    """The moment that a text names, by the contract's clock: a timestamp_ntz."""
    return _shift(_naive(field, _without_offset(x)), _offset(x), zone)


def _naive(field: Field, x: str) -> str:
    """The moment as it is written, by the formats that hold a time, or as a serial number of Excel's."""
    text = _with_meridiem(x)
    tries = [f"CAST(try_to_timestamp({text}, {literal(pattern)}) AS timestamp_ntz)" for pattern in _moments(field)]
    if field.excel_serials:
        seconds = f"CAST(round(try_cast({x} AS double) * 86400) AS bigint)"
        moment = f"timestampadd(SECOND, {seconds}, TIMESTAMP_NTZ'1899-12-30 00:00:00')"
        tries.append(f"CASE WHEN {x} RLIKE {literal(_SERIAL_DAY)} THEN {moment} END")
    return f"coalesce({', '.join([*tries, 'CAST(NULL AS timestamp_ntz)'])})"


def _shift(moment: str, offset: str, zone: str) -> str:
    """A moment written with an offset from UTC ('' for none: it is local already), by the clock of the zone."""
    instant = f"try_to_timestamp(concat(date_format({moment}, 'yyyy-MM-dd HH:mm:ss'), {offset}), {_ISO})"
    there = f"convert_timezone(current_timezone(), {literal(zone)}, CAST({instant} AS timestamp_ntz))"
    return f"CASE WHEN {offset} = '' THEN {moment} ELSE {there} END"


_ISO = literal("yyyy-MM-dd HH:mm:ss[XXX][XX][X]")


def _offset(x: str) -> str:
    return rf"regexp_replace(regexp_extract(upper({x}), {literal(_MOMENT)}, 2), 'UTC|GMT', 'Z')"


def _without_offset(x: str) -> str:
    return f"regexp_replace({x}, {literal('(?i)' + _MOMENT)}, '$1')"


def _clock(field: Field, x: str, offsets: bool = True) -> str:
    """A time of the day as HH:mm:ss; 24:00 is 24:00:00 where the contract says what that means."""
    tries = [f"try_to_timestamp({{x}}, {literal(pattern)})" for pattern in field.formats]
    fast = ", ".join(one.format(x=x) for one in tries[:AT_ONCE])
    text = _with_meridiem("x")
    slow = [f"date_format(coalesce({', '.join(one.format(x=text) for one in tries)}, NULL), 'HH:mm:ss')"]
    if field.end_of_day != "refuse":
        slow.append(f"CASE WHEN x RLIKE '^24:00(:00)?$' THEN {END} END")
    if field.excel_serials:
        seconds = "CAST(least(86399, round(try_cast(x AS double) * 86400)) AS bigint)"
        at = f"date_format(timestampadd(SECOND, {seconds}, TIMESTAMP_NTZ'2000-01-01 00:00:00'), 'HH:mm:ss')"
        slow.append(f"CASE WHEN x RLIKE {literal(_SERIAL_TIME)} THEN {at} END")
    # Only digits or a point can begin one of these, so that words cost nothing.
    slower = let("x", f"CASE WHEN {x} RLIKE '^[0-9.]' THEN {x} END", f"coalesce({', '.join(slow)}, NULL)")
    return f"coalesce(date_format(coalesce({fast}, NULL), 'HH:mm:ss'), CASE WHEN {x} <> '' THEN {slower} END)"


def _with_meridiem(x: str) -> str:
    """'8:30pm' and '8:30 p.m.' are '8:30 PM'."""
    return f"regexp_replace({x}, {literal(_MERIDIEM)}, ' $1M')"


def _at_once(field: Field, raw: str) -> str:
    tries = [f"try_to_timestamp({raw}, {literal(pattern)})" for pattern in field.formats[:AT_ONCE]]
    return f"CAST(coalesce({', '.join(tries)}, NULL) AS timestamp_ntz)"


def _day(x: str, pattern: str) -> str:
    return f"try_to_date({x}, {literal(pattern)})"


def _moments(field: Field) -> list[str]:
    return [pattern for pattern in field.formats if _has_time(pattern)]


def _has_time(pattern: str) -> bool:
    """Whether a JDK pattern holds an hour; what stands in quotes is text."""
    return any(letter in "".join(pattern.split("'")[::2]) for letter in "HhKk")
