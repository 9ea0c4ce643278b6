"""docs/questions.md, made from the marts: `python -m lake.gold.questions > docs/questions.md`."""

from __future__ import annotations

from collections.abc import Mapping

from lake.gold.marts import Mart, load_marts

_TOP = """# Questions that gold answers

One for each table, in Athena SQL (database `jozi_dev_gold`, or `lake query "..."`). Rates are fractions, times are
Johannesburg's.
This page is made from `marts/*.yaml` (`python -m lake.gold.questions`); a test compares the two and asks each question.
"""


def page(marts: Mapping[str, Mart]) -> str:
    """The page as Markdown: a table's grain, its question and the statement."""
    parts = [
        f"## {mart.question.ask}\n`{mart.name}`: {mart.grain[0].lower()}{mart.grain[1:]}\n\n"
        f"```sql\n{mart.question.sql.strip()}\n```\n"
        for mart in sorted(marts.values(), key=lambda mart: mart.name)
    ]
    return "\n".join([_TOP, *parts])


if __name__ == "__main__":
    print(page(load_marts()), end="")
