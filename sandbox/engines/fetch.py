"""Fetches an artifact by its coordinate, with the clients that know where coordinates live.

Ivy is inside PySpark's own jars and brings one jar: Coursier. Coursier brings the rest, because it goes on with a cut
download where it stopped, which matters for an archive of 800 MB. Neither needs an address from us, and a mirror or
proxy that the user has set up for them is honoured.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from sandbox.engines.artifacts import COURSIER, Artifact
from sandbox.engines.trust import trust_options
from sandbox.java import EngineError
from sandbox.progress import Progress

_REASONS = {
    r"UnknownHost|NoRouteToHost|Network is unreachable|Host \S+ not found": "no network",
    r"ConnectException|Connection refused": "the connection was refused",
    r"(?i)timed? ?out": "the connection timed out",
    r"SSLHandshake|PKIX": "its certificate is not trusted here: set SSL_CERT_FILE to your certificates",
    r"No space left": "the disk is full",
    r"UNRESOLVED|not found": "it was not found",
}


def fetch_client(runtime: Path, cache: Path, target: Path) -> None:
    """Let Ivy fetch Coursier to `target`; the content is not checked here. Raises EngineError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    home = cache / "downloads" / "ivy"
    ivy = [str(runtime / "bin" / "java"), *trust_options(cache), "-cp", str(_spark_jar("ivy")), "org.apache.ivy.Main"]
    coordinate = ["-dependency", COURSIER.group, COURSIER.name, COURSIER.version, "-confs", "master"]
    retrieve = ["-retrieve", f"{target.parent}/[artifact]-[revision].[ext]"]
    done = subprocess.run(
        [*ivy, "-cache", str(home), *coordinate, *retrieve], capture_output=True, text=True, check=False
    )
    shutil.rmtree(home, ignore_errors=True)
    if done.returncode or not target.is_file():
        raise _offline(COURSIER, done.stdout + done.stderr)


def fetch(
    runtime: Path, client: Path, cache: Path, artifact: Artifact, target: Path, part: str, tell: Progress
) -> None:
    """Let Coursier (`client`) fetch the artifact, then move it to `target`; the content is not checked here.

    Raises EngineError. What a cut download left in the cache is used by the next call.
    """
    downloads = cache / "downloads" / "coursier"
    request = {
        "java": str(runtime / "bin" / "java"),
        # One try a run; it is run again as long as something came.
        "options": [*trust_options(cache), "-Dcoursier.exception-retry=0"],
        "py4j": str(_spark_jar("py4j")),
        "classpath": os.pathsep.join([str(client), str(_spark_jar("slf4j-api"))]),
        "downloads": str(downloads),
        **{name: getattr(artifact, name) for name in ("group", "name", "version", "extension")},
    }
    command = [sys.executable, str(Path(__file__).with_name("coursier.py")), json.dumps(request)]
    message = f"fetching {artifact.file} ({artifact.size / 1e6:.0f} MB)"
    tell(part, message, None)
    come = _set_back(downloads, artifact)
    while True:
        told = _run(command, lambda: tell(part, message, _fraction(downloads, artifact)))
        before, come = come, _set_back(downloads, artifact)
        if "file" in told and Path(told["file"]).is_file():
            break
        if come <= before:
            for whole in downloads.rglob(artifact.file):
                whole.unlink()  # Whole, but not what its publisher signed: the next call starts anew.
            raise _offline(artifact, told.get("error", ""))
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(told["file"], target)
    tell(part, message, 1.0)


def _set_back(downloads: Path, artifact: Artifact) -> int:
    """Make a file that came short a download to go on with. How many bytes are here now, of this and all that it needs.

    A line that is cut with an orderly end looks to Coursier like a whole file, mostly one with a wrong checksum, which
    it would fetch again from the start. It goes on with a hidden `.part` file, so that is what the short one becomes.
    """
    for path in list(downloads.rglob(artifact.file)):
        if path.stat().st_size < artifact.size:
            path.rename(path.with_name(f".{artifact.file}.part"))
    return sum(path.stat().st_size for path in downloads.rglob("*") if path.is_file())


def _run(command: list[str], while_waiting: Callable[[], object]) -> dict[str, str]:
    """What `coursier.py` answers. It is ended with us, whatever ends us."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            answer, errors = _wait(process, while_waiting)
        finally:
            process.kill()
    return json.loads(answer) if answer.strip() else {"error": errors}


def _wait(process: subprocess.Popen[str], while_waiting: Callable[[], object]) -> tuple[str, str]:
    while True:
        try:
            return process.communicate(timeout=0.25)
        except subprocess.TimeoutExpired:
            while_waiting()


def _fraction(downloads: Path, artifact: Artifact) -> float | None:
    """How much of the artifact is on the disk."""
    for path in downloads.rglob(f".{artifact.file}.part"):
        try:
            return min(path.stat().st_size / artifact.size, 1.0)
        except FileNotFoundError:
            return 1.0  # Renamed between the two looks: the download is done.
    return None


def _spark_jar(name: str) -> Path:
    """The jar of that name among PySpark's own."""
    spec = find_spec("pyspark")
    jars = Path(spec.origin).parent / "jars" if spec and spec.origin else Path()
    found = sorted(jars.glob(f"{name}-[0-9]*.jar"))
    if not found:
        raise EngineError(f"PySpark is not installed, or without its {name} jar: run `make setup`.")
    return found[0]


def _offline(artifact: Artifact, output: str) -> EngineError:
    """The one sentence for a client that could not fetch, from what it printed."""
    why = next((why for pattern, why in _REASONS.items() if re.search(pattern, output)), "the download failed")
    return EngineError(
        f"{artifact.file} could not be fetched ({why}): check the network connection and start again, "
        "it goes on with what is already here."
    )
