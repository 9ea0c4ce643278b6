"""A lake of the benchmarks' own, used as people use it: the `lake` command, S3, and Athena."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import psutil

from lake.athena import Answer, AthenaError, ask

PYTHON_WORKER = "Spark's Python workers"
# By what their command lines hold; the first that fits.
KINDS = {
    "pyspark.daemon": PYTHON_WORKER,
    "connect_server.py": "Spark engines",
    "TrinoServer": "Athena's engine",
    "sandbox.emulator": "emulator",
    "ministack-lambda": "functions",
}
EVER = datetime.min.replace(tzinfo=UTC)
LAKE = Path(sys.executable).parent / "lake"


class BenchmarkError(RuntimeError):
    """What was measured gave a wrong answer, or none: its seconds mean nothing."""


@dataclass
class Memory:
    """The most that was held at once (resident, bytes): by all processes, and by one of Spark's Python workers.

    Pages that processes share count with each of them. parts: what the total was made of, by kind of process.
    """

    parts: Counter[str] = field(default_factory=Counter)
    python_worker: int = 0

    @property
    def total(self) -> int:
        return self.parts.total()


@dataclass
class Stack:
    """A running lake. outputs: of its stack."""

    home: Path
    environment: dict[str, str]
    outputs: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    clients: dict[str, Any] = field(default_factory=dict)

    def run(self, *words: str, timeout: float = 3600) -> str:
        done = subprocess.run(
            [str(LAKE), *words], env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        if done.returncode:
            raise BenchmarkError(f"lake {' '.join(words)} ended {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def up(self) -> float:
        """Start it; answers the seconds that `lake up` took."""
        began = time.monotonic()
        self.run("up")
        took = time.monotonic() - began
        self.outputs = json.loads(self.run("status", "--json"))["outputs"]
        self.clients = {}
        self.keys = dict(re.findall(r"^export (\w+)=['\"]?([^'\"\n]*)['\"]?$", self.run("env"), re.MULTILINE))
        return took

    def client(self, service: str) -> Any:
        """A client that is made once: making one costs as much as several calls."""
        if service not in self.clients:
            self.clients[service] = self._client(service)
        return self.clients[service]

    def _client(self, service: str) -> Any:
        session: Any = boto3.Session(
            aws_access_key_id=self.keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.keys["AWS_SECRET_ACCESS_KEY"],
            region_name=self.keys["AWS_REGION"],
        )
        return session.client(service, endpoint_url=self.keys["AWS_ENDPOINT_URL"])

    def ask(self, sql: str, layer: str = "Gold") -> Answer:
        return ask(self.client("athena"), sql, self.outputs[f"{layer}Database"], self.outputs["AthenaWorkGroup"])

    def put(self, key: str, body: bytes | Path) -> None:
        s3, bucket = self.client("s3"), self.outputs["BronzeBucketName"]
        if isinstance(body, Path):
            s3.upload_file(str(body), bucket, key)
        else:
            s3.put_object(Bucket=bucket, Key=key, Body=body)

    def answered(self, key: str, seconds: float = 60) -> float:
        """When the front desk had answered for a key: its ledger entry says what the file was taken for."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = [row for row in json.loads(self.run("files", "--json")) if row["key"] == key]
            if found and found[0]["state"] != "RECEIVED":
                return time.monotonic()
            time.sleep(0.1)  # an answer is announced to nobody
        raise BenchmarkError(f"{key} had no answer after {seconds:.0f} s")

    def wait(self) -> None:
        self.run("wait", "--timeout", "3000")

    def runs(self, layer: str, began: datetime = EVER) -> list[dict[str, Any]]:
        """The runs of a layer since then, newest first."""
        found = json.loads(self.run("runs", "--limit", "500", "--json"))
        return [run for run in found if run["layer"] == layer and datetime.fromisoformat(run["started"]) >= began]

    def seconds_of(self, layer: str) -> list[float]:
        """How long the runs of a layer took, newest first."""
        return [run["seconds"] for run in self.runs(layer)]

    def until_silver_is_done(self, seconds: float) -> None:
        """Until no silver run goes on; one that failed ends the benchmark."""
        deadline = time.monotonic() + seconds
        while any(run["state"] not in ("SUCCEEDED", "FAILED") for run in self.runs("silver")):
            if time.monotonic() > deadline:
                raise BenchmarkError(f"silver went on after {seconds:.0f} s")
            time.sleep(15)  # Glue tells of a run's end by an event to rules, not to people
        if failed := [run for run in self.runs("silver") if run["state"] == "FAILED"]:
            raise BenchmarkError(f"a silver run failed: {failed[0]['error']}")

    def orders_in_gold(self) -> int:
        try:
            return int(self.ask("SELECT coalesce(sum(orders), 0) FROM delivery_performance").rows[0][0])
        except AthenaError as error:
            if "TABLE_NOT_FOUND" in str(error):  # the first gold run makes it
                return 0
            raise

    def _gold_pointer(self) -> str:
        """Where the table that is published last points to; nothing while there is none."""
        glue = self.client("glue")
        try:
            table = glue.get_table(DatabaseName=self.outputs["GoldDatabase"], Name="freshness")["Table"]
        except glue.exceptions.EntityNotFoundException:
            return ""
        return str(table["Parameters"]["metadata_location"])

    def until_gold_holds(self, orders: int, seconds: float = 600) -> float:
        """When Athena answered that gold holds so many orders (of the monotonic clock).

        Athena is asked when gold has moved: asking it all the time would take the machine from what is measured.
        """
        deadline, seen = time.monotonic() + seconds, ""
        while time.monotonic() < deadline:
            if (shown := self._gold_pointer()) != seen:
                seen = shown
                if self.orders_in_gold() == orders:
                    return time.monotonic()
            time.sleep(0.25)  # the catalog announces nothing
        raise BenchmarkError(f"gold did not come to {orders:,} orders in {seconds:.0f} s")

    @contextmanager
    def memory(self) -> Iterator[Memory]:
        """What the lake's processes hold while the block runs, looked at twice a second."""
        peak, over = Memory(), threading.Event()

        def watch() -> None:
            while not over.wait(0.5):
                self._look(peak)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield peak
        finally:
            over.set()
            watcher.join()

    def _look(self, peak: Memory) -> None:
        parts: Counter[str] = Counter()
        for process in psutil.process_iter():
            try:
                if process.environ().get("LAKE_HOME") == str(self.home):
                    held, kind = process.memory_info().rss, _kind(" ".join(process.cmdline()))
                    parts[kind] += held
                    if kind == PYTHON_WORKER:
                        peak.python_worker = max(peak.python_worker, held)
            except (psutil.Error, OSError):
                continue  # it has ended, or is somebody else's
        if parts.total() > peak.total:
            peak.parts = parts


def _kind(command: str) -> str:
    """What a process of the lake is, by its command line."""
    return next((kind for mark, kind in KINDS.items() if mark in command), "others")


@contextmanager
def lake_of_its_own() -> Iterator[Stack]:
    """A lake with an empty home, down again whatever happens. The engines come from the shared cache."""
    with tempfile.TemporaryDirectory(prefix="lake-bench-") as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        stack = Stack(Path(folder) / "home", environment | {"LAKE_HOME": str(Path(folder) / "home")})
        try:
            yield stack
        finally:
            subprocess.run([str(LAKE), "down", "--wipe"], env=stack.environment, capture_output=True, check=False)
