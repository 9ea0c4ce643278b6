"""Questions to the stack's Athena; a failure is a sentence for the terminal."""

from __future__ import annotations

from cli.context import Lake
from cli.errors import CliError
from lake import athena
from lake.athena import NUMERIC, Answer, literal

__all__ = ["NUMERIC", "Answer", "QueryFailedError", "ask", "literal"]


class QueryFailedError(CliError):
    """Athena said no. `str(error)` is Athena's own text; `missing` when a table or schema is not there."""

    def __init__(self, error: athena.AthenaError) -> None:
        super().__init__(str(error))
        self.missing = error.missing


def ask(
    lake: Lake,
    sql: str,
    database: str | None = None,
    limit: int | None = None,
    as_text: bool = False,
    parameters: tuple[str, ...] = (),
) -> Answer:
    """`lake.athena.ask` in the stack's workgroup, on gold unless `database` is given. Raises QueryFailedError."""
    try:
        return athena.ask(
            lake.client("athena"),
            sql,
            database or lake.output("GoldDatabase"),
            lake.output("AthenaWorkGroup"),
            parameters,
            limit,
            as_text,
        )
    except athena.AthenaError as error:
        raise QueryFailedError(error) from error
