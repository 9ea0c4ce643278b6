"""The folder of one job run, and what is fetched into it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError


class FetchError(Exception):
    """A file that the job names cannot be had."""


def fetch(s3: Any, location: str, folder: Path) -> Path:
    """Copy the object s3://bucket/key into `folder` under its own name. Raises FetchError."""
    if not location.startswith("s3://"):
        raise FetchError(f"{location!r} is not an S3 location")
    bucket, _, key = location[len("s3://") :].partition("/")
    target = folder / key.rsplit("/", 1)[-1]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        s3.download_file(bucket, key, str(target))
    except (BotoCoreError, ClientError) as error:
        raise FetchError(f"{location} cannot be read: {error}") from error
    return target


def fetch_all(s3: Any, locations: str, folder: Path) -> list[Path]:
    """Fetch a comma-separated list, as Glue's --extra-... arguments are; each into a folder of its own.

    Two locations may end in the same name (a lake.zip of two prefixes), so names alone cannot tell them apart.
    """
    wanted = [location.strip() for location in locations.split(",") if location.strip()]
    return [fetch(s3, location, folder / str(number)) for number, location in enumerate(wanted)]


def unpacked(files: Iterable[Path]) -> list[str]:
    """The same import path as `python_path`, with every zip unpacked beside itself: Python compiles what is in it once,
    and not in each process. Raises FetchError for a broken zip."""
    found = []
    for entry in python_path(files):
        path = Path(entry)
        if path.is_file():
            folder = path.with_suffix(".unpacked")
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)
            path = folder
        found.append(str(path))
    return found


def python_path(files: Iterable[Path]) -> list[str]:
    """The import path that makes these --extra-py-files importable. Raises FetchError for a broken zip."""
    found: list[str] = []
    for file in files:
        if file.suffix in (".zip", ".whl", ".egg"):
            if not zipfile.is_zipfile(file):
                raise FetchError(f"{file.name} in --extra-py-files is not a zip file")
            entry = str(file)
        else:
            entry = str(file.parent)
        if entry not in found:
            found.append(entry)
    return found
