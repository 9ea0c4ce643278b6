"""Bring a SAM template into the emulator: `sam build`, `sam deploy`, and the digest that says when to skip both."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sandbox.errors import SandboxError
from sandbox.progress import Progress

_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
_NEVER = {"__pycache__", ".aws-sam", "node_modules"}
_DEVELOPERS = {"tests", "docs", "benchmarks", "requirements", "build", "dist"}
_BIG = 4 << 20
_SETTLE_SECONDS = 120.0
_DEPLOYED = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}


def digest(project: Path, sources: Sequence[str], parameters: Mapping[str, str], exclude: Path) -> str:
    """A digest of everything a deployment depends on: the template, sam's settings and the folders they package.

    sources: those folders' names; none means every folder beside the template but those that only developers need.
    exclude: the sandbox's home, which may lie in the project.
    """
    found = hashlib.sha256(repr(sorted(parameters.items())).encode())
    for path in _sources(project, sources, exclude.resolve()):
        found.update(path.relative_to(project).as_posix().encode() + b"\0")
        size = path.stat().st_size
        # A big file is data; reading it at every start would cost more than building once too often.
        found.update(path.read_bytes() if size < _BIG else repr((size, path.stat().st_mtime_ns)).encode())
    return found.hexdigest()


def build(project: Path, target: Path, env: Mapping[str, str], log: Path, progress: Progress) -> None:
    """`sam build` into `target`. Raises SandboxError."""
    progress("deploy", "building the functions and the layer", None)
    template = project / "template.yaml"
    if not template.exists():
        raise SandboxError("deploy", f"There is no {template}.")
    _sam(
        [
            "build",
            "--template-file",
            str(template),
            "--build-dir",
            str(target),
            "--cache-dir",
            str(target.with_name("cache")),
        ],
        project,
        env,
        log,
    )


def deploy(
    build_dir: Path, stack: str, parameters: Mapping[str, str], env: Mapping[str, str], log: Path, progress: Progress
) -> None:
    """`sam deploy` what was built, with the artifacts in a bucket that sam manages. Raises SandboxError."""
    progress("deploy", "deploying the stack", None)
    _settled(client("cloudformation", env), stack, log)
    command = [
        "deploy",
        "--template-file",
        str(build_dir / "template.yaml"),
        "--stack-name",
        stack,
        "--resolve-s3",
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        "--no-progressbar",
        "--capabilities",
        *_CAPABILITIES,
    ]
    if parameters:
        # sam reads the values like a shell: blanks end them unless they are quoted.
        command += [
            "--parameter-overrides",
            *(f"ParameterKey={key},ParameterValue={_quoted(value)}" for key, value in parameters.items()),
        ]
    _sam(command, build_dir, env, log)


def outputs(env: Mapping[str, str], stack: str) -> dict[str, str] | None:
    """The outputs of a deployed stack, or None when there is no such stack, or not a whole one."""
    cloudformation = client("cloudformation", env)
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except (ClientError, BotoCoreError):
        return None
    if found["StackStatus"] not in _DEPLOYED:
        return None
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def _settled(cloudformation: Any, stack: str, log: Path) -> None:
    """Wait until an operation that somebody began before us has ended. Raises SandboxError when it does not."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < deadline:
        try:
            status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        except ClientError:
            return  # there is no such stack
        if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
            return
        time.sleep(0.2)
    raise SandboxError("deploy", f"The stack {stack} has been busy for {_SETTLE_SECONDS:.0f} seconds.", log)


def client(service: str, env: Mapping[str, str]) -> Any:
    """A boto3 client of the account's owner."""
    session: Any = boto3.Session(
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        region_name=env["AWS_REGION"],
    )
    return session.client(
        service,
        endpoint_url=env["AWS_ENDPOINT_URL"],
        config=Config(retries={"max_attempts": 2}, s3={"addressing_style": "path"}),
    )


def command_environment(env: Mapping[str, str], home: Path) -> dict[str, str]:
    """The environment of the AWS tools: the owner's keys and nothing of the user's profiles."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "SAM_")) and name != "PYTHONPATH"
    }
    programs = str(Path(sys.executable).parent)
    return {
        **inherited,
        **env,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.5",
        "__SAM_CLI_APP_DIR": str(home / "sam"),
        "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
        "LAKE_HOME": str(home),
    }


def _sam(arguments: list[str], cwd: Path, env: Mapping[str, str], log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    _no_version_check(Path(env["__SAM_CLI_APP_DIR"]))
    with log.open("ab") as out:
        start = out.tell()
        ended = subprocess.run(
            [sys.executable, "-m", "samcli", *arguments],
            cwd=cwd,
            env=dict(env),
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    if ended.returncode:
        raise SandboxError("deploy", f"sam {arguments[0]} failed: {_last_error(log, start)}", log)


def _no_version_check(folder: Path) -> None:
    """Let sam believe that it has looked for a newer sam just now: it would ask the network after every command."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {"lastVersionCheck": time.time(), "telemetryEnabled": False}
    (folder / "metadata.json").write_text(json.dumps(record))


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _last_error(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error") or "FAILED" in line]
    return (errors or lines or ["it said nothing."])[-1]


def _sources(project: Path, sources: Sequence[str], exclude: Path) -> list[Path]:
    found = [project / name for name in ("template.yaml", "samconfig.toml") if (project / name).exists()]
    for folder, names, files in os.walk(project):
        here = Path(folder)
        top = here == project
        names[:] = [
            name
            for name in names
            if (here / name).resolve() != exclude
            and not name.endswith(".egg-info")
            and name not in _NEVER
            and not (top and (name not in sources if sources else name in _DEVELOPERS or name[0] == "."))
        ]
        if not top:
            found += [here / name for name in files if not name.endswith(".pyc")]
    return sorted(found)
