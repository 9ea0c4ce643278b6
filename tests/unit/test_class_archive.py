"""The archive of Trino's classes, which Java writes when a sandbox goes down."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.athena.trino import _class_archive


@pytest.mark.parametrize("content", [bytes(4096), b""], ids=["head not written", "nothing written"])
def test_an_archive_whose_writing_was_cut_short_is_removed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "trino-1.jsa").write_bytes(content)

    assert not _class_archive(tmp_path / "trino-1").exists()


def test_a_whole_archive_is_used_again(tmp_path: Path) -> None:
    (tmp_path / "trino-1.jsa").write_bytes(b"\xa8\xab\x0b\xf0" + bytes(100))

    assert _class_archive(tmp_path / "trino-1").exists()
