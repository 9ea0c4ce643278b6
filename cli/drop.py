"""`lake drop`: a plain upload to bronze, and what became of the file."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import context, following, render
from cli.errors import CliError
from cli.options import JsonOption, StackOption, Target, TargetOption

FOLDER = "orders/"  # for what nobody can tell the feed of
ONE_PUT = 64 * 1024 * 1024  # larger files go in parts
PART = 16 * 1024 * 1024
MOST_PARTS = 10_000


def drop(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to drop.")],
    key: Annotated[
        str | None,
        typer.Option(
            "--key", help="The object's key, as it is. Default: the folder of its feed (orders/) and its name."
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the file until it is loaded, or refused.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait at most, with --wait.")] = 900,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put files in the bronze bucket. Everything else happens by itself."""
    if key is not None and len(files) > 1:
        raise CliError("--key names one object: give one FILE with it, or leave --key out.", code=2)
    for file in files:
        check(file)
    lake = context.connect(target, stack)
    bucket = lake.output("BronzeBucketName")
    dropped: list[following.Dropped] = []
    for file in files:
        at = time.monotonic()
        name = key if key is not None else folder_of(file) + file.name
        version = put(lake.client("s3"), bucket, name, file)
        dropped.append(following.Dropped(name, version, at))
        if not as_json:
            render.say(f"{file} is in bronze as {render.safe(name)}, version {version}")
    settled = following.follow(lake, dropped, timeout, quiet=as_json) if wait else []
    if as_json:
        answers = {(entry.key, entry.version): following.as_dict(entry) for entry in settled}
        render.show_json([answers.get((d.key, d.version), {"key": d.key, "version": d.version}) for d in dropped])
    if wait:
        bad = following.unsettled_or_failed(dropped, settled)
        if bad:
            raise typer.Exit(1)
    elif not as_json:
        render.say("Next: `lake wait`, then `lake explain " + _word(dropped[-1].key) + "`")


def _word(key: str) -> str:
    import shlex

    return shlex.quote(render.safe(key))


def folder_of(file: Path) -> str:
    """The folder of the feed that the file is of, as the front desk would see it."""
    from lake.contracts import load_contracts

    contracts = load_contracts()
    if len(contracts) > 1:
        from lake.detect import HEAD_BYTES, Accepted, detect

        with file.open("rb") as body:

            def read(start: int, length: int) -> bytes:
                body.seek(start)
                return body.read(length)

            answer = detect(read(0, HEAD_BYTES), file.stat().st_size, file.name, contracts, read)
        if isinstance(answer, Accepted):
            return contracts[answer.facts.contract].folder
    return FOLDER


def check(file: Path) -> None:
    """Raises CliError for what cannot be dropped, before anything is."""
    if file.is_dir():
        raise CliError(f"{file} is a folder: name its files, for example `lake drop {file}/*`.", code=2)
    if not file.exists():
        raise CliError(f"There is no file {file}: check its name.", code=2)
    try:
        file.open("rb").close()
    except OSError as error:
        raise CliError(f"{file} cannot be read ({error.strerror}): check its permissions.") from error


def put(s3: Any, bucket: str, key: str, file: Path, progress: Callable[[float], None] | None = None) -> str:
    """Uploads one file and returns the version that S3 gave it; in parts when large, with flat memory."""
    size = file.stat().st_size
    with file.open("rb") as body:
        if size <= ONE_PUT:
            return s3.put_object(Bucket=bucket, Key=key, Body=body).get("VersionId", "null")
        part_size = max(PART, math.ceil(size / MOST_PARTS))
        upload = s3.create_multipart_upload(Bucket=bucket, Key=key)
        where = {"Bucket": bucket, "Key": key, "UploadId": upload["UploadId"]}
        try:
            parts: list[dict[str, Any]] = []
            while chunk := body.read(part_size):
                number = len(parts) + 1
                parts.append(
                    {"PartNumber": number, "ETag": s3.upload_part(**where, PartNumber=number, Body=chunk)["ETag"]}
                )
                if progress:
                    progress(min(1.0, number * part_size / size))
            done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
        except BaseException:
            s3.abort_multipart_upload(**where)  # parts left behind cost money and are seen by nobody
            raise
    return done.get("VersionId") or s3.head_object(Bucket=bucket, Key=key).get("VersionId", "null")
