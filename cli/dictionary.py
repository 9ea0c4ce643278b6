"""`make docs`: write docs/catalog.md anew."""

from __future__ import annotations

from cli import context
from lake.contracts import load_contracts
from lake.dictionary import page, tables
from lake.gold.marts import load_marts

PAGE = context.PROJECT / "docs" / "catalog.md"


def main() -> None:
    PAGE.write_text(page(tables(load_contracts(), load_marts())), encoding="utf-8")


if __name__ == "__main__":
    main()
