"""The emulator as a part of the sandbox: how it is started, and how we know that the one that answers is ours."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from sandbox import processes
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.home import Home, Part, State

_START_SECONDS = 60.0


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def start(
    config: SandboxConfig, home: Home, state: State, java_home: Path, jars: Sequence[Path], trino_port: int | None
) -> Part:
    """Start the emulator on its port of `state` and answer it when it is ready. Raises SandboxError."""
    port = state.ports["emulator"]
    token = secrets.token_hex(16)
    folder = home.emulator
    for name in ("state", "s3", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    home.glue.mkdir(parents=True, exist_ok=True)
    env = _environment(config, home, state, port, token)
    env["SANDBOX_ENGINE"] = json.dumps(
        {
            "java_home": str(java_home),
            "jars": [str(jar) for jar in jars],
            "endpoint": url(port),
            "region": config.region,
        }
    )
    if trino_port is not None:
        env["SANDBOX_TRINO_URL"] = url(trino_port)
    log = home.log("emulator")
    process = processes.start([sys.executable, "-m", "sandbox.emulator"], env, log, home.root)
    part = Part("emulator", process, port, str(log), {"token": token})
    try:
        _wait(part, log)
    except BaseException:
        processes.stop([process], patience=2)
        raise
    state.ports.setdefault("queues", port)
    return part


def is_ours(part: Part) -> bool:
    """Whether the emulator that answers on the part's port is the one that was started for this home."""
    return (_ready(part.port) or {}).get("sandbox") == part.detail["token"]


def deployed(part: Part) -> None:
    """Tell the emulator that its stack is there: it starts its warm engines. Raises SandboxError."""
    try:
        with urllib.request.urlopen(f"{url(part.port)}/_sandbox/{part.detail['token']}/deployed", timeout=10):  # noqa: S310
            return
    except OSError as error:
        raise SandboxError("emulator", f"It no longer answers: {error}", Path(part.log)) from error


def _environment(config: SandboxConfig, home: Home, state: State, port: int, token: str) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "MINISTACK", "LAMBDA_", "S3_", "SPARK_", "PYSPARK_"))
    }
    folder = home.emulator
    return {
        **inherited,
        # The interpreter finds this package wherever the caller found it, and the emulator drops the path at once.
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
        "LAKE_HOME": str(home.root),
        "SANDBOX_TOKEN": token,
        "SANDBOX_NAME_PORT": str(state.ports.get("queues", port)),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "PERSIST_STATE": "1",
        "S3_PERSIST": "1",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder / "tmp"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
        "LAMBDA_EXECUTOR": "local",
        "MINISTACK_REGION": config.region,
        "AWS_ACCESS_KEY_ID": state.access_key,
        "AWS_SECRET_ACCESS_KEY": state.secret_key,
        "AWS_REGION": config.region,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SANDBOX_WARM": "1" if config.warm else "0",
        **config.emulator_environment,
    }


def _wait(part: Part, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if part.process.process() is None:
            raise SandboxError("emulator", f"It ended while it started: {_last_line(log)}", log)
        if is_ours(part) and (_ready(part.port) or {}).get("status") == "completed":
            return
        time.sleep(0.05)
    raise SandboxError("emulator", f"It was not ready after {_START_SECONDS:.0f} seconds.", log)


def _ready(port: int) -> dict[str, str] | None:
    try:
        with urllib.request.urlopen(f"{url(port)}/_ministack/ready", timeout=2) as answer:  # noqa: S310
            return dict(json.load(answer))
    except (OSError, ValueError, urllib.error.URLError):
        return None


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing."
