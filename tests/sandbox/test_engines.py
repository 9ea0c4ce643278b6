"""The cache of engines: checked, fetched once, unpacked to what is of use."""

import hashlib
import io
import tarfile
import threading
from pathlib import Path

import pytest

from sandbox.engines import EngineError, cache, spark_jars, trino_home
from sandbox.engines.artifacts import COURSIER, SPARK_JARS, TRINO, Artifact
from sandbox.engines.unpack import is_whole, unpack

GOOD = b"the right content"


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """One small jar to fetch, from a network that always delivers it. Gives the list of what was fetched."""
    log: list[Path] = []
    digest = hashlib.sha256(GOOD).hexdigest()

    def deliver(*arguments: object) -> None:
        target = next(a for a in arguments if isinstance(a, Path) and a.name.startswith("small"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(GOOD)
        log.append(target)

    monkeypatch.setattr(cache, "SPARK_JARS", (Artifact("org", "small", "1", digest, len(GOOD)),))
    monkeypatch.setattr(cache, "COURSIER", Artifact("org", "client", "1", digest, len(GOOD)))
    monkeypatch.setattr(cache, "java", lambda *arguments, **options: Path("jdk"))
    monkeypatch.setattr(cache, "fetch_client", lambda runtime, root, target: _write(target, GOOD))
    monkeypatch.setattr(cache, "fetch", deliver)
    return log


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def make_archive(path: Path) -> Path:
    """Like Trino's: one jar lies in a plugin that nobody wants and is linked from one that is wanted."""
    with tarfile.open(path, "w:gz") as tar:

        def add(name: str, content: bytes | None = None, link: str = "") -> None:
            member = tarfile.TarInfo(f"trino-server-476/{name}")
            if link:
                member.type, member.linkname = tarfile.LNKTYPE, f"trino-server-476/{link}"
            member.size = len(content or b"")
            tar.addfile(member, io.BytesIO(content or b""))

        add("bin/launcher", b"not needed")
        add("lib/core.jar", b"core")
        add("plugin/bigquery/shared.jar", b"shared")
        add("plugin/bigquery/own.jar", b"own")
        add("plugin/hive/core.jar", link="lib/core.jar")
        add("plugin/hive/shared.jar", link="plugin/bigquery/shared.jar")
        add("plugin/iceberg/iceberg.jar", b"iceberg")
    return path


def test_a_jar_is_fetched_once(tmp_path: Path, fetched: list[Path]) -> None:
    first, second = spark_jars(tmp_path), spark_jars(tmp_path)

    assert first == second == [tmp_path / "jars" / "small-1.jar"]
    assert len(fetched) == 1


def test_a_damaged_jar_is_fetched_again(tmp_path: Path, fetched: list[Path]) -> None:
    (jar,) = spark_jars(tmp_path)
    jar.write_bytes(b"half of")

    spark_jars(tmp_path)

    assert jar.read_bytes() == GOOD
    assert len(fetched) == 2


def test_two_starts_at_once_fetch_once(tmp_path: Path, fetched: list[Path]) -> None:
    threads = [threading.Thread(target=spark_jars, args=(tmp_path,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(fetched) == 1


def test_other_content_than_the_pinned_one_is_never_kept(
    tmp_path: Path, fetched: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    jar = tmp_path / "jars" / "small-1.jar"
    monkeypatch.setattr(cache, "fetch", lambda *arguments: _write(jar, b"tampered"))

    with pytest.raises(EngineError, match="other content than the pinned one"):
        spark_jars(tmp_path)

    assert not jar.exists()


def test_progress_names_the_part_and_ends(tmp_path: Path, fetched: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str, float | None]] = []
    archive = make_archive(tmp_path / "made.tar.gz").read_bytes()
    monkeypatch.setattr(cache, "TRINO", Artifact("io", "trino", "1", hashlib.sha256(archive).hexdigest(), 1, "tar.gz"))
    monkeypatch.setattr(cache, "fetch", lambda *arguments: _write(arguments[4], archive))

    home = trino_home(tmp_path / "cache", lambda *event: told.append(event))

    assert is_whole(home)
    assert {part for part, _, _ in told} == {"trino"}
    assert told[-1][1:] == ("unpacking", 1.0)
    assert not (tmp_path / "cache" / "downloads").exists(), "the archive must not stay"


def test_unpacking_keeps_what_is_used_and_what_it_links_to(tmp_path: Path) -> None:
    home = tmp_path / "trino"

    unpack(make_archive(tmp_path / "a.tar.gz"), home, lambda message, fraction: None)

    files = {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*.jar")}
    assert files == {
        "lib/core.jar": b"core",
        "plugin/hive/core.jar": b"core",
        "plugin/hive/shared.jar": b"shared",
        "plugin/iceberg/iceberg.jar": b"iceberg",
    }
    assert not (home / "bin").exists()


def test_an_unpacked_tree_with_a_damaged_file_is_not_whole(tmp_path: Path) -> None:
    home = tmp_path / "trino"
    unpack(make_archive(tmp_path / "a.tar.gz"), home, lambda message, fraction: None)

    (home / "plugin" / "iceberg" / "iceberg.jar").write_bytes(b"")

    assert not is_whole(home)


def test_a_torn_archive_gives_one_sentence_and_no_tree(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a.tar.gz")
    archive.write_bytes(archive.read_bytes()[:20])

    with pytest.raises(EngineError, match="could not be unpacked"):
        unpack(archive, tmp_path / "trino", lambda message, fraction: None)

    assert not (tmp_path / "trino").exists()


@pytest.mark.parametrize("artifact", [*SPARK_JARS, TRINO, COURSIER], ids=lambda a: a.name)
def test_every_artifact_is_pinned(artifact: Artifact) -> None:
    assert len(artifact.sha256) == 64
    assert artifact.version[0].isdigit()
