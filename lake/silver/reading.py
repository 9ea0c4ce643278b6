"""The files of a batch as one frame of typed, checked rows, read once and kept for everything that follows."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - as everybody writes it

from lake.contracts import Contract
from lake.headers import known_names, normalise
from lake.manifest import Manifest, ManifestFile
from lake.parsing.records import BAD, END, ERROR, FRAME_DDL, RAW, ROW
from lake.parsing.tasks import parts_of, plan, reader
from lake.publishing import literal
from lake.repair import NOTES, ORIGIN, PREFIXED, SOURCE_FILE, SOURCE_ROW, SOURCE_VERSION
from lake.silver import pseudonyms
from lake.silver.clock import overlaid
from lake.silver.conform import flags, reasons, sentences, together, typed
from lake.silver.tables import REPAIRS, row_columns
from lake.silver.text import cleaned

KEEP = ("file", "kind", "raw_row", "note", "blank", "reasons")  # what a row carries on its way besides its columns


@dataclass
class FileCount:
    """What the first reading of a file found."""

    rows: int = 0
    bad: int = 0
    blank: int = 0
    flagged: int = 0
    lettered: int = 0  # good rows whose key holds a letter or a blank
    ended: bool = False
    damage: str | None = None
    remark: str | None = None  # how the file was read, where that is worth a word
    rows_by_month: Counter[dt.date | None] = field(default_factory=Counter)
    key_ends: list[Any] = field(default_factory=list)  # least and greatest values of the key's first column, good rows

    @property
    def rows_in(self) -> int:
        return self.rows + self.bad


def read_batch(
    spark: SparkSession,
    contract: Contract,
    files: Sequence[ManifestFile],
    manifest: Manifest,
    began: dt.datetime,
    origins: DataFrame | None = None,
    secret: Callable[[], bytes] | None = None,
) -> DataFrame:
    """Every record of the files: the columns of the contract's table, and KEEP. Not evaluated yet.

    `reasons` is empty on good rows; `raw_row` is only there on bad ones. `began` (with a zone) becomes loaded_at.
    `origins` (source_file, source_version, object_time) are the file versions whose records a row may repair.
    `secret` gives the key of pseudonyms, and is only asked for a contract that hides a column.
    """
    fields = [(item.name, item.kind) for item in contract.fields]
    known = known_names(contract)
    if origins is not None:
        fields += [(name, "string") for name in ORIGIN]
        known |= {normalise(name): name for name in ORIGIN}
    work = plan(files, fields, known=known)
    schema = FRAME_DDL + "".join(f", {RAW}{name} string" for name, _ in fields)
    count = len(work.tasks)
    records = spark.range(0, count, 1, count).mapInArrow(reader(work), schema)
    if dealt := parts_of(files):
        records = records.repartition(dealt, "file", "source_row")
    records = records.join(F.broadcast(_facts(spark, contract, files, pseudonyms.columns(contract, secret))), "file")
    if origins is not None:
        records = _tied(records, [at for at, file in enumerate(files) if file.facts.repairs], origins)
    repairs = F.lit(None).cast(REPAIRS.type) if origins is None else F.col("repairs")
    records = records.withColumns({name: F.expr(text) for name, text in cleaned(contract)})
    read = records.select("*", *(F.expr(typed(contract, item)).alias(item.name) for item in contract.fields))
    if pairs := together(contract):
        read = read.withColumns({name: F.expr(said) for name, said in pairs})
        read = read.withColumns({name: F.expr(said) for name, said in overlaid(contract)})
    for column in contract.columns:  # one after another: what is derived may name what was derived before it
        if column.logic:
            read = read.withColumn(column.name, F.expr(column.logic).cast(column.type))
    checked = read.withColumn(
        "reasons",
        F.when(F.col("kind") == ROW, F.expr(sentences(reasons(contract)))).otherwise(
            F.when(F.col("kind") == BAD, F.array("note"))
        ),
    )
    bad = F.size("reasons") > 0
    return checked.select(
        "file",
        "kind",
        F.when(bad, F.col("raw_row")).alias("raw_row"),
        "note",
        "blank",
        "reasons",
        *(F.col(column.name) for column in contract.columns),
        F.when(~bad, F.expr(sentences(flags(contract)))).alias("flags"),
        "source_file",
        "source_version",
        "source_row",
        F.lit(manifest.batch_id).alias("batch_id"),
        # As text: a datetime literal would be read by the clock of the machine.
        F.lit(str(local(began, contract).replace(tzinfo=None))).cast("timestamp_ntz").alias("loaded_at"),
        "object_time",
        repairs.alias("repairs"),
        "unmapped",
    )


def _tied(records: DataFrame, repairing: Sequence[int], origins: DataFrame) -> DataFrame:
    """The records with the record that each of them repairs; those of the `repairing` files as they were written.

    A row that names no record of a known file version is a row like any other.
    """
    comes_back = F.col("file").isin(list(repairing))

    def restored(text: str) -> str:
        return f"trim(BOTH ' \\t\\r\\n' FROM regexp_replace({text}, {literal(PREFIXED)}, '$1'))"

    texts = [name for name in records.columns if name.startswith(RAW) and name != "raw_row"]
    written = {name: F.when(comes_back, F.expr(restored(f"`{name}`"))).otherwise(F.col(name)) for name in texts}
    notes = ", ".join(literal(normalise(name)) for name in NOTES)
    others = (
        f"map_filter(transform_values(unmapped, (name, text) -> {restored('text')}),"
        f" (name, text) -> NOT regexp_replace(lower(name), '[^a-z]', '') IN ({notes}))"
    )
    written["unmapped"] = F.when(comes_back, F.expr(f"CASE WHEN size({others}) > 0 THEN {others} END")).otherwise(
        F.col("unmapped")
    )
    known = origins.select(
        F.col("source_file").alias(RAW + SOURCE_FILE),
        F.col("source_version").alias(RAW + SOURCE_VERSION),
        F.col("object_time").alias("origin_time"),
    )
    # A spreadsheet may have written 12 as 12.0 or 12,00.
    number = F.expr(f"try_cast(regexp_extract({RAW}{SOURCE_ROW}, '^([0-9]+)([.,]0+)?$', 1) AS bigint)")
    tied = records.withColumns(written).join(known, [RAW + SOURCE_FILE, RAW + SOURCE_VERSION], "left")
    origin = F.struct(
        F.col(RAW + SOURCE_FILE).alias("source_file"),
        F.col(RAW + SOURCE_VERSION).alias("source_version"),
        number.alias("source_row"),
        F.col("origin_time").cast("string").alias("object_time"),
    )
    return tied.withColumn("repairs", F.when(F.col("origin_time").isNotNull() & number.isNotNull(), origin))


def local(moment: dt.datetime, contract: Contract) -> dt.datetime:
    """A moment by the clock of the contract's time zone."""
    return moment.astimezone(ZoneInfo(contract.time_zone))


def object_time(file: ManifestFile, contract: Contract) -> dt.datetime:
    """When a file's version was written, by the contract's clock, without a zone."""
    return local(dt.datetime.fromisoformat(file.object_time), contract).replace(tzinfo=None)


def _facts(
    spark: SparkSession, contract: Contract, files: Sequence[ManifestFile], shared: Mapping[str, bytes]
) -> DataFrame:
    """What is the same for all rows of a file; `shared` is the same for all rows."""
    table = pa.table(
        {
            "file": pa.array(range(len(files)), pa.int32()),
            "source_file": pa.array([file.key for file in files], pa.string()),
            "source_version": pa.array([file.version for file in files], pa.string()),
            "object_time": pa.array([object_time(file, contract) for file in files], pa.timestamp("us")),
            **{name: pa.array([value] * len(files), pa.binary()) for name, value in shared.items()},
        }
    )
    return spark.createDataFrame(table)


def good(batch: DataFrame) -> DataFrame:
    return batch.where((F.col("kind") == ROW) & (F.size("reasons") == 0))


def bad(batch: DataFrame) -> DataFrame:
    return batch.where(F.size("reasons") > 0)


def count_files(batch: DataFrame, contract: Contract, files: Sequence[ManifestFile]) -> list[FileCount]:
    """Counts of each file. This reads the files; a persisted batch is filled by it."""
    is_bad = F.size("reasons") > 0
    month = month_of(contract)
    counted = batch.groupBy(
        "file", "kind", is_bad.alias("bad"), F.when((F.col("kind") == ROW) & ~is_bad, month).alias("month")
    ).agg(
        F.count("*").alias("rows"),
        F.sum("blank").alias("blank"),
        F.count_if(F.size("flags") > 0).alias("flagged"),
        F.count_if(F.expr(lettered(contract))).alias("lettered"),
        F.min(contract.key[0]).alias("first_key"),
        F.max(contract.key[0]).alias("last_key"),
        F.first("note").alias("note"),
    )
    counts = [FileCount() for _ in files]
    for row in counted.collect():
        count = counts[row.file]
        if row.kind == END:
            count.ended, count.blank, count.remark = True, row.blank, row.note
        elif row.kind == ERROR:
            count.ended, count.damage = True, row.note
        elif row.bad:
            count.bad += row.rows
        else:
            count.rows += row.rows
            count.flagged += row.flagged
            count.lettered += row.lettered
            count.rows_by_month[row.month] += row.rows
            count.key_ends += [row.first_key, row.last_key]
    return counts


def key_range(counts: Iterable[FileCount], contract: Contract) -> Column:
    """What the key of every good row keeps: by it, Iceberg leaves out files of a table that can hold no such key.

    Files hold a month, and orders are numbered as they come: what a batch can meet is in few of them.
    """
    ends = [end for count in counts for end in count.key_ends]
    return F.col(contract.key[0]).between(min(ends), max(ends)) if ends else F.lit(False)


def lettered(contract: Contract) -> str:
    """Whether a row's key may have been written in another case or with other blanks."""
    texts = [f"`{field.name}`" for field in contract.fields if field.key and field.kind == "string"]
    return " OR ".join(f"upper({text}) <> lower({text}) OR instr({text}, ' ') > 0" for text in texts) or "false"


def month_of(contract: Contract) -> Column:
    """The month (first day) of a row by the table's partition column; null for a table that has none."""
    column = contract.partition_column
    return F.trunc(F.col(column), "MM") if column else F.lit(None).cast("date")


def table_columns(contract: Contract) -> list[str]:
    return [column.name for column in row_columns(contract)]
