"""Finding the file that a person means, and what its batch said."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cli import following, render
from cli.context import Lake
from cli.errors import CliError

if TYPE_CHECKING:
    from lake.entries import FileEntry
    from lake.manifest import SilverResult


def batch_result(lake: Lake, batch_id: str) -> SilverResult | None:
    """What the silver run of a batch left behind; None where it is gone or not there yet."""
    from lake.batch import result_key
    from lake.manifest import SilverResult

    s3 = lake.client("s3")
    try:
        answer = s3.get_object(Bucket=lake.output("LakeBucketName"), Key=result_key(batch_id))
    except s3.exceptions.NoSuchKey:
        return None
    return SilverResult.from_json(answer["Body"].read())


def find(lake: Lake, text: str) -> FileEntry:
    """The entry for a key (its newest version), `key@version`, or a part of exactly one key. Raises CliError.

    A path to a local file counts by its name, so that what was typed after `lake drop` works here too.
    """
    exact = _newest(lake.ledger.versions(text))
    if exact is not None:
        return exact
    key, at, version = text.rpartition("@")
    if at:
        # a key may hold an @ itself, so the exact key was tried first
        found = [entry for entry in lake.ledger.versions(key) if entry.version.startswith(version)]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            raise CliError(f"More than one version of {render.safe(key)} begins with {version}: give more of it.")
        known = [entry.version for entry in lake.ledger.versions(key)]
        if known:
            raise CliError(
                f"No version of {render.safe(key)} begins with {render.safe(version)}: it has {', '.join(known[-5:])}."
            )
    parts = [text, os.path.basename(text)]
    entries = following.all_entries(lake)
    for part in parts:
        keys = sorted({entry.key for entry in entries if part and part.casefold() in entry.key.casefold()})
        same = [key for key in keys if key.rsplit("/", 1)[-1] == part]
        if len(same) == 1:
            keys = same
        if len(keys) == 1:
            return _newest(entry for entry in entries if entry.key == keys[0])  # type: ignore[return-value]
        if len(keys) > 1:
            some = ", ".join(render.safe(key) for key in keys[:5]) + (", ..." if len(keys) > 5 else "")
            raise CliError(
                f"{len(keys)} files have {render.safe(part)!r} in their keys ({some}): give more of the key."
            )
    for key in (text, f"orders/{os.path.basename(text)}"):
        since = _in_bucket(lake, key)
        if since:
            raise CliError(
                f"{render.safe(key)} lies in bronze since {since}, but is not in the ledger yet: its event is on the "
                "way or was lost. `lake wait` waits for it, `lake sweep` takes it in now."
            )
    raise CliError(f"No file {render.safe(text)!r} in the ledger or in bronze: `lake files` lists all of them.")


def _in_bucket(lake: Lake, key: str) -> str | None:
    """Since when an object of this key lies in bronze; None when there is none."""
    from botocore.exceptions import ClientError

    try:
        found = lake.client("s3").head_object(Bucket=lake.output("BronzeBucketName"), Key=key)
    except ClientError:
        return None
    return render.moment(found["LastModified"])


def _newest(entries: Iterable[FileEntry]) -> FileEntry | None:
    return max(entries, key=lambda entry: entry.sort_key, default=None)
