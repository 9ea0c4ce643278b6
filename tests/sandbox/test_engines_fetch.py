"""The real download client against a repository on this machine that cuts the line in the middle."""

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sandbox.engines import EngineError
from sandbox.engines.artifacts import COURSIER, Artifact
from sandbox.engines.fetch import fetch
from sandbox.java import java
from sandbox.progress import silent

CONTENT = os.urandom(3_000_000)
THING = Artifact("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "tar.gz")
POM = b"<project><modelVersion>4.0.0</modelVersion><groupId>org.example</groupId><artifactId>thing</artifactId>\
<version>1.0</version></project>"
CACHE = Path(os.environ.get("LAKE_CACHE") or Path.home() / ".cache" / "jozi-lake")


@dataclass
class Repository:
    """What the server did: the ranges it was asked for, and whether it still cuts.

    It cuts with an orderly end, once the client's progress says that half has come.
    """

    cutting: bool = True
    ranges: list[str | None] = field(default_factory=list)
    noticed: threading.Event = field(default_factory=threading.Event)

    def watch(self, part: str, message: str, fraction: float | None) -> None:
        """The progress of the fetch."""
        if fraction and fraction >= 0.5:
            self.noticed.set()


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    state = Repository()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            bodies = {"pom": POM, "gz": CONTENT}
            bodies["sha1"] = hashlib.sha1(bodies.get(self.path.rsplit(".", 2)[-2], b"")).hexdigest().encode()
            body = bodies.get(self.path.rsplit(".", 1)[-1])
            if body is None:
                self.send_error(404)
                return
            wanted = self.headers.get("Range")
            start = int(wanted.split("=")[1].split("-")[0]) if wanted else 0
            self.send_response(206 if wanted else 200)
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            if body is CONTENT:
                state.ranges.append(wanted)
                self.wfile.write(body[start : len(body) // 2] if state.cutting else body[start:])
                if state.cutting:
                    self.wfile.flush()
                    state.noticed.wait(20)
                    self.close_connection = True
            else:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the test asks `state`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("COURSIER_REPOSITORIES", f"http://127.0.0.1:{server.server_address[1]}")
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def client() -> Path:
    path = CACHE / "tools" / COURSIER.file
    if not path.is_file():
        pytest.skip("the download client is not in LAKE_CACHE: run `python -m sandbox.engines`")
    return path


@pytest.mark.sandbox
def test_a_cut_download_goes_on_where_it_stopped(tmp_path: Path, client: Path, repository: Repository) -> None:
    target = tmp_path / "thing.tar.gz"
    runtime = java(CACHE, 17)

    with pytest.raises(EngineError, match=r"thing-1\.0\.tar\.gz could not be fetched"):
        fetch(runtime, client, tmp_path, THING, target, "thing", repository.watch)
    repository.cutting = False
    fetch(runtime, client, tmp_path, THING, target, "thing", repository.watch)

    assert target.read_bytes() == CONTENT
    assert repository.ranges[0] is None
    assert set(repository.ranges[1:]) == {f"bytes={len(CONTENT) // 2}-"}


@pytest.mark.sandbox
def test_what_does_not_exist_gives_one_sentence(tmp_path: Path, client: Path, repository: Repository) -> None:
    missing = Artifact("org.example", "missing", "1.0", "0" * 64, 1, "zip")

    with pytest.raises(EngineError) as raised:
        fetch(java(CACHE, 17), client, tmp_path, missing, tmp_path / "missing.zip", "missing", silent)

    assert "\n" not in str(raised.value)
    assert "://" not in str(raised.value)
