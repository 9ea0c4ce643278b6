"""AWS on a laptop: an emulator, real Spark, real Trino, and somebody's SAM template deployed into them."""

from sandbox.config import PartStatus, SandboxConfig, Status, UpReport
from sandbox.core import Sandbox
from sandbox.errors import SandboxError

__all__ = ["PartStatus", "Sandbox", "SandboxConfig", "SandboxError", "Status", "UpReport"]
