"""What stands out in a file as a whole: sentences for people, of which none stops a row.

Every file: values outside the allowed ones, and the contract's rules of severity info. Files with enough rows
(`watch.minimumRows`) are looked at once more, with one aggregate over the batch in memory: columns that are copied or
constant, names that may be two spellings of one, and what moved in their newest month against the months before.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lake.contracts import Contract, Field
from lake.manifest import ManifestFile
from lake.publishing import literal
from lake.silver import drift
from lake.silver.drift import Profile
from lake.silver.reading import FileCount, good, lettered, month_of
from lake.words import clean, count

Sentences = dict[int, list[str]]
NAMED = 5  # values that one sentence names
MOST_NAMES = 200  # a column with more different values holds no names that spelling could drift in
OUTSIDE = " is not one of "  # how a flag says so (lake/silver/conform.py)


def findings(
    spark: SparkSession,
    contract: Contract,
    batch: DataFrame,
    files: Sequence[ManifestFile],
    counts: Sequence[FileCount],
    table: DataFrame | None,
) -> Sentences:
    """Sentences about each file (by its place in the batch). `table`: the feed's rows as they are shown now, if any."""
    found: Sentences = defaultdict(list)
    if any(count.flagged for count in counts):
        _collect(found, _outside(batch, contract))
    if any(count.lettered for count in counts):
        _collect(found, _keys(batch, contract))
    if rules := [rule for rule in contract.rules if rule.severity == "file"]:
        _collect(found, _broken(batch, [(rule.sql, rule.message) for rule in rules], counts))
    large = [at for at, count in enumerate(counts) if count.rows >= contract.watch.minimum_rows]
    if large:
        rows = good(batch).where(F.col("file").isin(large)) if len(large) < len(counts) else good(batch)
        had = {at: {column.field for column in files[at].facts.columns} for at in large}
        profiles = _profiles(rows, contract, ("file",))
        _collect(found, _columns(rows, contract, profiles, had))
        _collect(found, _spellings(rows, contract, had))
        _collect(found, _drifts(spark, contract, profiles, had, table))
    return found


def _collect(found: Sentences, more: Mapping[int, Sequence[str]]) -> None:
    for at, sentences in more.items():
        found[at] += sentences


# ---- every file ------------------------------------------------------------------------------------------------------


def _outside(batch: DataFrame, contract: Contract) -> Sentences:
    """Values that a column should not hold, the most frequent first. They were kept as they were written."""
    flags = batch.where(F.size("flags") > 0).select("file", F.explode("flags").alias("flag"))
    outside = flags.where(F.col("flag").contains(OUTSIDE)).groupBy("file", "flag").count()
    parts = {"field": r"^(\w+) '", "value": rf"(?s)^\w+ '(.*)'{OUTSIDE}"}
    named = outside.select("file", "count", *(F.regexp_extract("flag", p, 1).alias(n) for n, p in parts.items()))
    ranked = named.selectExpr(
        "file", "field", "value", "count",
        "row_number() OVER (PARTITION BY file, field ORDER BY count DESC, value) AS place",
        "count(*) OVER (PARTITION BY file, field) AS values",
        "sum(count) OVER (PARTITION BY file, field) AS rows",
    ).where(F.col("place") <= NAMED)  # fmt: skip
    by_field: dict[tuple[int, str], list] = defaultdict(list)
    for row in ranked.orderBy("file", "field", "place").collect():
        by_field[row.file, row.field].append(row)
    found: Sentences = defaultdict(list)
    for (at, field), rows in by_field.items():
        names = ", ".join(f"'{clean(row.value, 40)}' ({count(row['count'], 'row')})" for row in rows)
        more = rows[0].values - len(rows)
        names += f" and {more:,} more" if more else ""
        allowed = ", ".join(contract.field(field).allowed)
        found[at].append(f"{field}: {names} not among {allowed}; kept as written, and flagged")
    return found


def _keys(batch: DataFrame, contract: Contract) -> Sentences:
    """Keys that are the same but for case and blanks. Nobody can say whether they mean the same, so each counts."""
    key = "concat_ws(' ', " + ", ".join(f"`{name}`" for name in contract.key) + ")"
    rows = good(batch).where(lettered(contract)).selectExpr("file", f"{key} AS key")
    alike = rows.groupBy("file", F.expr("lower(replace(key, ' ', ''))").alias("folded"))
    different = alike.agg(F.min("key").alias("one"), F.max("key").alias("other")).where("one <> other")
    counted = different.groupBy("file").agg(
        F.count("*").alias("keys"), F.min("one").alias("one"), F.min_by("other", "one").alias("other")
    )
    found: Sentences = {}
    for row in counted.collect():
        pair = f"'{clean(row.one, 40)}' and '{clean(row.other, 40)}'"
        more = f", as do {count(row['keys'] - 1, 'more pair')}" if row["keys"] > 1 else ""
        found[row.file] = [
            f"{', '.join(contract.key)}: {pair} differ only in case or blanks{more}; they count as different ones"
        ]
    return found


def _broken(batch: DataFrame, rules: Sequence[tuple[str, str]], counts: Sequence[FileCount]) -> Sentences:
    """Rules that rows of a file do not keep, with their number."""
    sums = [F.count_if(F.expr(f"NOT ({sql})")).alias(f"r{n}") for n, (sql, _) in enumerate(rules)]
    found: Sentences = defaultdict(list)
    for row in good(batch).groupBy("file").agg(*sums).collect():
        for n, (_, message) in enumerate(rules):
            if row[f"r{n}"]:
                found[row.file].append(f"{message}: {row[f'r{n}']:,} of {count(counts[row.file].rows, 'row')}")
    return found


# ---- files with enough rows ------------------------------------------------------------------------------------------


def _profiles(rows: DataFrame, contract: Contract, by: tuple[str, ...]) -> dict[tuple, Profile]:
    """A Profile for each value of `by` and month. One hash aggregate over fixed-width buffers."""
    sums = ["count(*) AS rows"]
    for field in _watched(contract):
        name = f"`{field.name}`"
        sums.append(f"count({name}) AS `{field.name}.count`")
        if field.kind in ("number", "integer"):
            value = f"CAST({_clipped(field, name)} AS double)"
            sums += [f"sum({value}) AS `{field.name}.sum`", f"sum({value} * {value}) AS `{field.name}.squares`"]
            sums += [f"CAST({f}({name}) AS string) AS `{field.name}.{f}`" for f in ("min", "max")]
        else:
            code = f"CASE WHEN {name} IS NOT NULL THEN xxhash64({name}) END"
            sums += [f"CAST({f}({code}) AS string) AS `{field.name}.{f}`" for f in ("min", "max")]
            sums += [f"count_if({name} = {value}) AS `{field.name}.{n}`" for n, (_, value) in enumerate(_values(field))]
    month = month_of(contract).alias("month")
    found = {}
    for row in rows.groupBy(*by, month).agg(*(F.expr(text) for text in sums)).collect():
        found[(*(row[name] for name in by), row.month)] = drift.profile(row.asDict(), _watched(contract), _values)
    return found


def _watched(contract: Contract) -> list[Field]:
    """Fields of the table but the key and what tells time."""
    return [f for f in contract.fields if f.in_table and not f.key and f.kind not in ("date", "time", "timestamp")]


def _clipped(field: Field, name: str) -> str:
    """A value that nobody believes must not move a mean by itself; it is flagged in its row."""
    low, high = field.plausible or (None, None)
    text = f"greatest({name}, {low})" if low is not None else name
    return f"least({text}, {high})" if high is not None else text


def _values(field: Field) -> list[tuple[str, str]]:
    """The values of a field that are counted: as words, and as SQL."""
    if field.kind == "boolean":
        return [("yes", "true"), ("no", "false")]
    return [(value, literal(value)) for value in field.allowed]


def _columns(
    rows: DataFrame, contract: Contract, profiles: Mapping[tuple, Profile], had: Mapping[int, set[str]]
) -> Sentences:
    """Columns that hold one value only, and pairs of columns that hold the same."""
    whole = drift.by_file(profiles)
    found: Sentences = defaultdict(list)
    constant: dict[int, set[str]] = defaultdict(set)
    for at, one in whole.items():
        for field in _watched(contract):
            seen = one.columns[field.name]
            if field.name in had[at] and seen.count >= contract.watch.minimum_rows and seen.low == seen.high:
                constant[at].add(field.name)
    for at, names in constant.items():
        firsts = rows.where(F.col("file") == at).agg(*(F.first(n, ignorenulls=True).alias(n) for n in sorted(names)))
        shown = firsts.collect()[0].asDict()
        found[at] += [
            f"{name} is {clean(str(shown[name]), 40)!r} in all {whole[at].columns[name].count:,} rows that have one"
            for name in sorted(names)
        ]
    for at, pairs in _copied(rows, contract, whole, had, constant).items():
        found[at] += pairs
    return found


def _copied(
    rows: DataFrame,
    contract: Contract,
    whole: Mapping[int, Profile],
    had: Mapping[int, set[str]],
    constant: Mapping[int, set[str]],
) -> Sentences:
    watch = contract.watch
    open_fields = [f for f in _watched(contract) if not f.allowed and f.kind != "boolean"]
    pairs = [(a.name, b.name) for a, b in combinations(open_fields, 2) if a.type == b.type]
    if not pairs:
        return {}
    sums = [F.expr(f"count_if(`{a}` = `{b}`)").alias(f"p{n}") for n, (a, b) in enumerate(pairs)]
    sums += [F.expr(f"count_if(`{a}` <> `{b}`)").alias(f"q{n}") for n, (a, b) in enumerate(pairs)]
    suspects: dict[int, list[tuple[str, str, int, int]]] = defaultdict(list)
    for row in rows.groupBy("file").agg(*sums).collect():
        for n, (a, b) in enumerate(pairs):
            same, both = row[f"p{n}"], row[f"p{n}"] + row[f"q{n}"]
            known = {a, b} <= had[row.file] and not {a, b} & constant.get(row.file, set())
            if known and both >= watch.minimum_rows and same >= watch.copied_share * both:
                suspects[row.file].append((a, b, same, both))
    found: Sentences = defaultdict(list)
    for at, suspected in suspects.items():
        names = sorted({a for a, *_ in suspected})
        mine = rows.where(F.col("file") == at)
        different = mine.agg(*(F.count_distinct(name).alias(name) for name in names)).collect()[0].asDict()
        found[at] += [
            f"{b} says the same as {a} in {same:,} of {both:,} rows: one of the two is probably a copy"
            for a, b, same, both in suspected
            if different[a] >= watch.distinct_values
        ]
    return found


def _spellings(rows: DataFrame, contract: Contract, had: Mapping[int, set[str]]) -> Sentences:
    """Names that differ in one letter from a much more frequent one. Nothing is merged: people may be called so."""
    names = [f.name for f in _watched(contract) if f.kind == "string" and not f.allowed]
    if not names:
        return {}
    # Bounded: the sketch never keeps more than five times as many values as are asked for.
    sketches = [F.expr(f"approx_top_k(`{n}`, {MOST_NAMES + 1}, {5 * MOST_NAMES})").alias(n) for n in names]
    found: Sentences = defaultdict(list)
    for row in rows.groupBy("file").agg(*sketches).collect():
        for name in names:
            values = {item["item"]: item["count"] for item in row[name] or () if item["item"] is not None}
            if name in had[row.file] and len(values) <= MOST_NAMES:
                found[row.file] += drift.spellings(name, values)
    return found


def _drifts(
    spark: SparkSession,
    contract: Contract,
    profiles: Mapping[tuple, Profile],
    had: Mapping[int, set[str]],
    table: DataFrame | None,
) -> Sentences:
    """What the newest month of each file moved, against the months before in silver, or else in the file itself."""
    newest: dict[int, dt.date] = {}
    for (at, month), one in profiles.items():
        if month is not None and one.rows >= contract.watch.minimum_rows:
            newest[at] = max(month, newest.get(at, month))
    if not newest or not contract.partition_column:
        return {}
    earliest = drift.months_back(min(newest.values()), contract.watch.months)
    known: dict[tuple, Profile] = {}
    if table is not None:
        column = F.col(contract.partition_column)
        before = table.where((column >= F.lit(earliest)) & (column < F.lit(max(newest.values()))))
        known = _profiles(before, contract, ())
    found: Sentences = {}
    for at, month in newest.items():
        window = drift.window(month, contract.watch.months)
        own = {m: profiles[at, m] for m in window if (at, m) in profiles}
        parts = [known.get((m,)) or own.get(m) for m in window]
        reference = drift.merged([part for part in parts if part is not None])
        fields = [field for field in _watched(contract) if field.name in had[at]]
        found[at] = drift.moved(fields, profiles[at, month], reference, month, contract.watch, _values)
    return found
