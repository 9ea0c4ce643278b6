"""What the Glue jobs run, as a set of objects under a prefix that names its content.

Scripts and library come out of the layer that the functions use, so that what reads an event and what moves its data
are always of one release. The prefix holds a digest of the content: a run keeps the code it began with while the next
release is deployed, and going back to a former release is going back to its prefix.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lake

ARCHIVE = "lake.zip"
PACKAGES = ("lake", "contracts", "marts", "yaml", "openpyxl", "et_xmlfile")  # what jobs import; as in template.yaml
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold; any fixed one makes equal trees equal archives
_LEFT_OUT = ("__pycache__",)
_COMPILED = (".pyc", ".so", ".pyd")


@dataclass(frozen=True)
class Assets:
    """Objects to put: `prefix` is "assets/<digest>", `objects` maps a name below it to the object's bytes."""

    prefix: str
    objects: Mapping[str, bytes]


def collect(packages: Sequence[str], scripts: Path | None = None) -> Assets:
    """The importable `packages` as one archive that Python imports from, and every script of `scripts` beside it.

    `scripts` is by default the folder glue_jobs beside the lake package: there it is in the layer, and in a checkout.
    Raises LookupError when a package or the folder is missing.
    """
    folder = scripts or Path(lake.__file__).parent.parent / "glue_jobs"
    programs = {script.name: script.read_bytes() for script in sorted(folder.glob("*.py")) if script.stem != "__init__"}
    if not programs:
        raise LookupError(f"the layer has no job scripts in {folder.name}/: was it built from the whole repository?")
    members: dict[str, bytes] = {}
    for package in packages:
        members.update(_members(package))
    digest = hashlib.sha256()
    for name, content in sorted([*members.items(), *programs.items()]):
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return Assets(f"assets/{digest.hexdigest()[:20]}", {ARCHIVE: archive(members), **programs})


def store(s3: Any, bucket: str, assets: Assets) -> None:
    """Put the objects into the bucket, where equal ones may lie already."""
    for name, content in assets.objects.items():
        s3.put_object(Bucket=bucket, Key=f"{assets.prefix}/{name}", Body=content)


def archive(members: Mapping[str, bytes]) -> bytes:
    """A zip that depends on nothing but names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            out.writestr(entry, members[name])
    return buffer.getvalue()


def answer(
    event: Mapping[str, Any], data: Mapping[str, str] | None = None, failure: str | None = None
) -> dict[str, Any]:
    """What CloudFormation wants to hear about a custom resource.

    The physical id never changes, so that CloudFormation does not take a new release for another resource and delete
    the former one, which a run may still be using.
    """
    return {
        "Status": "FAILED" if failure else "SUCCESS",
        "Reason": failure or "",
        "PhysicalResourceId": event.get("PhysicalResourceId") or f"{event['LogicalResourceId']}-assets",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": dict(data or {}),
    }


def _members(package: str) -> dict[str, bytes]:
    """The files of an importable package by their path in an archive. Compiled files are of one machine: left out."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"the layer has no package {package}")
    root = Path(next(iter(spec.submodule_search_locations)))
    return {
        f"{package}/{path.relative_to(root).as_posix()}": path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix not in _COMPILED and not set(path.parts) & set(_LEFT_OUT)
    }
