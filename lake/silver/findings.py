"""What stands out in a file as a whole: sentences for people, of which none stops a row.

Values outside the allowed ones, keys that are the same but for case and blanks, and the contract's rules of severity
info.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lake.contracts import Contract
from lake.silver.reading import FileCount, good, lettered
from lake.words import clean, count

Sentences = dict[int, list[str]]
NAMED = 5  # values that one sentence names
MOST_NAMES = 200  # a column with more different values holds no names that spelling could drift in
OUTSIDE = " is not one of "  # how a flag says so (lake/silver/conform.py)


def findings(contract: Contract, batch: DataFrame, counts: Sequence[FileCount]) -> Sentences:
    """Sentences about each file (by its place in the batch)."""
    found: Sentences = defaultdict(list)
    if any(count.flagged for count in counts):
        _collect(found, _outside(batch, contract))
    if any(count.lettered for count in counts):
        _collect(found, _keys(batch, contract))
    if rules := [rule for rule in contract.rules if rule.severity == "file"]:
        _collect(found, _broken(batch, [(rule.sql, rule.message) for rule in rules], counts))
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
