"""Ranges of an object's older versions: the emulator answers them with the whole object, S3 with the range."""

from __future__ import annotations

from typing import Any

from ministack.services import s3

from sandbox.emulator import seams

Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    for helper, parameters in (
        ("_parse_range", "range_header total"),
        ("_range_error_xml", "bucket_name key"),
        ("_xml_body", "root"),
    ):
        seams.expect(s3, helper, parameters)
    seams.wrap(s3, "_get_object", "bucket_name key headers query_params", _with_ranges)


def _with_ranges(original: seams.Function) -> seams.Function:
    def get(
        bucket_name: str, key: str, headers: dict[str, str], query_params: dict[str, Any] | None = None
    ) -> Response:
        wanted = headers.get("range", "")
        if not wanted or "versionId" not in (query_params or {}):
            return original(bucket_name, key, headers, query_params)
        # A checksum is that of the whole object, and clients would hold it against the part.
        whole = {name: value for name, value in headers.items() if name != "x-amz-checksum-mode"}
        status, found, body = original(bucket_name, key, whole, query_params)
        if status != 200:
            return status, found, body
        span = s3._parse_range(wanted, len(body))
        if span is None:
            error = s3._xml_body(s3._range_error_xml(bucket_name, key))
            return 416, {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}, error
        start, end = span
        part = body[start : end + 1]
        marks = {"Content-Length": str(len(part)), "Content-Range": f"bytes {start}-{end}/{len(body)}"}
        return 206, found | marks, part

    return get
