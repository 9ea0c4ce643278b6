"""Ship a process's output to CloudWatch Logs while it runs, under the role of the job."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_logger = logging.getLogger("sandbox.glue")
# PutLogEvents takes 10,000 events and 1 MiB, 26 bytes of which each event costs; a line may have 256 KiB.
_MAX_EVENTS = 5_000
_MAX_BYTES = 900_000
_MAX_LINE = 200_000


class LogStream:
    """One stream of a log group, made when the first line comes.

    As on AWS, a role that may not write its log does not fail the work: the stream goes quiet.
    """

    def __init__(self, client: Any, group: str, stream: str) -> None:
        self._client = client
        self._group = group
        self._stream = stream
        self._ready = False
        self._denied = False

    def write(self, lines: list[str]) -> None:
        if not lines or self._denied:
            return
        try:
            if not self._ready:
                self._create()
            for batch in _batches(lines):
                now = int(time.time() * 1000)
                self._client.put_log_events(
                    logGroupName=self._group,
                    logStreamName=self._stream,
                    logEvents=[{"timestamp": now, "message": line} for line in batch],
                )
        except (BotoCoreError, ClientError) as error:
            self._denied = True
            _logger.warning("%s/%s gets no more lines: %s", self._group, self._stream, error)

    def _create(self) -> None:
        for make, names in (
            (self._client.create_log_group, {"logGroupName": self._group}),
            (self._client.create_log_stream, {"logGroupName": self._group, "logStreamName": self._stream}),
        ):
            try:
                make(**names)
            except self._client.exceptions.ResourceAlreadyExistsException:
                continue
        self._ready = True


class Follower:
    """Carry a growing file's complete lines to a log stream, and the rest when it has ended."""

    def __init__(self, path: Path, stream: LogStream) -> None:
        self._path = path
        self._stream = stream
        self._offset = 0

    def follow(self, last: bool = False) -> None:
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        end = len(data) if last else data.rfind(b"\n") + 1
        self._offset += end
        self._stream.write([line for line in data[:end].decode(errors="replace").split("\n") if line.strip()])


def _batches(lines: list[str]) -> list[list[str]]:
    batches: list[list[str]] = [[]]
    size = 0
    for line in lines:
        for start in range(0, len(line), _MAX_LINE):
            piece = line[start : start + _MAX_LINE]
            cost = len(piece.encode()) + 26
            if batches[-1] and (len(batches[-1]) >= _MAX_EVENTS or size + cost > _MAX_BYTES):
                batches.append([])
                size = 0
            batches[-1].append(piece)
            size += cost
    return batches
