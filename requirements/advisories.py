"""`make audit` and `make scan`: does anything that is locked have a known vulnerability? pip-audit answers.

pip-audit says "No known vulnerabilities found" of packages that it could look up nowhere, too. Here that is an answer
of its own: without the advisories nothing was audited, which `--when-online` takes as a word to the reader and not as a
failure, so that a check does not fail because the internet, or a part of it, is away.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CLEAN, VULNERABLE, UNKNOWN, OFFLINE = "clean", "vulnerable", "unknown", "offline"


@dataclass(frozen=True)
class Verdict:
    """What is known of one lock: CLEAN, VULNERABLE, UNKNOWN (of some packages nothing is), OFFLINE (of none)."""

    state: str
    lines: tuple[str, ...]

    def failed(self, when_online: bool) -> bool:
        """Whether the scan fails."""
        return self.state == VULNERABLE or (self.state != CLEAN and not when_online)


def judge(lock: str, report: dict[str, Any] | None, said: str) -> Verdict:
    """The verdict on a lock by pip-audit's report; None when there is none, and `said` is what it said instead."""
    if report is None:
        last = said.strip().splitlines()[-1] if said.strip() else "pip-audit said nothing"
        # A name that does not resolve, a connection refused, a proxy, a timeout: pip-audit dies of its HTTP client's.
        state = OFFLINE if last.startswith("requests.exceptions.") else UNKNOWN
        return Verdict(state, (f"{lock}: NOT AUDITED: {last}",))
    packages = report["dependencies"]
    skipped = [package for package in packages if "skip_reason" in package]
    found = tuple(
        f"{lock}: {package['name']} {package['version']}: {one['id']}, fixed in {', '.join(one['fix_versions']) or '-'}"
        for package in packages
        for one in package.get("vulns", ())
    )
    if found:
        return Verdict(VULNERABLE, found)
    if packages and len(skipped) == len(packages):
        return Verdict(OFFLINE, (f"{lock}: NOT AUDITED: nothing is to be had on any of its {len(packages)} packages",))
    if skipped:
        return Verdict(UNKNOWN, tuple(f"{lock}: {package['name']}: {package['skip_reason']}" for package in skipped))
    return Verdict(CLEAN, (f"{lock}: {len(packages)} packages, no known vulnerability",))


def audit(program: str, lock: str) -> Verdict:
    """Run pip-audit over one lock."""
    command = [program, "--requirement", lock, "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    run = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)
    try:
        return judge(lock, json.loads(run.stdout), run.stderr)
    except json.JSONDecodeError:
        return judge(lock, None, run.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: nothing is known against what is locked; 1: something is, or it could not be told."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("locks", nargs="+", metavar="LOCK")
    parser.add_argument("--program", default="pip-audit")
    parser.add_argument("--when-online", action="store_true", help="what cannot be looked up is told and is no failure")
    given = parser.parse_args(arguments)
    verdicts = [audit(given.program, lock) for lock in given.locks]
    for verdict in verdicts:
        print("\n".join(verdict.lines))
    if any(verdict.state in (OFFLINE, UNKNOWN) for verdict in verdicts):
        print("Advisories were out of reach: not everything was audited. Run `make audit` where the internet is.")
    return int(any(verdict.failed(given.when_online) for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
