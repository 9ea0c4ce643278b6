"""Types and values as Athena prints them."""

import json
from typing import Any

import pytest

from sandbox.athena.client import Column
from sandbox.athena.rendering import column_info, renderer, row_renderer, type_name


def plain(raw: str, *numbers: int) -> dict[str, Any]:
    return {"rawType": raw, "arguments": [{"kind": "LONG", "value": number} for number in numbers]}


def of(raw: str, *inner: dict[str, Any]) -> dict[str, Any]:
    return {"rawType": raw, "arguments": [{"kind": "TYPE", "value": one} for one in inner]}


def row(*fields: tuple[str | None, dict[str, Any]]) -> dict[str, Any]:
    named = [
        {"kind": "NAMED_TYPE", "value": {"fieldName": {"name": name} if name else None, "typeSignature": kind}}
        for name, kind in fields
    ]
    return {"rawType": "row", "arguments": named}


@pytest.mark.parametrize(
    ("signature", "sent", "printed"),
    [
        (plain("boolean"), "true", "true"),
        (plain("integer"), "-7", "-7"),
        (plain("double"), "1.0E10", "1.0E10"),
        (plain("double"), '"NaN"', "NaN"),
        (plain("decimal", 9, 2), '"1.50"', "1.50"),
        (plain("varchar", 3), '"a\\"b"', 'a"b'),
        (plain("varchar", 3), '""', ""),
        (plain("timestamp"), '"2020-01-01 00:00:00.000"', "2020-01-01 00:00:00.000"),
        (plain("varbinary"), '"aGk="', "68 69"),
        (of("array", plain("varchar")), '["a", "b", null]', "[a, b, null]"),
        (of("array", plain("double")), "[1.0, 2.5E-7]", "[1.0, 2.5E-7]"),
        (of("array", of("array", plain("boolean"))), "[[true], []]", "[[true], []]"),
        (of("map", plain("varchar"), plain("bigint")), '{"k": 1, "j": null}', "{j=null, k=1}"),
        (of("map", plain("integer"), plain("bigint")), '{"10": 1, "9": 2}', "{9=2, 10=1}"),
        (row(("a", plain("integer")), ("b", plain("varchar"))), '[1, "x"]', "{a=1, b=x}"),
        (row((None, plain("integer")), (None, plain("integer"))), "[1, 2]", "{1, 2}"),
        (
            of("array", row(("a", of("map", plain("varchar"), plain("date"))))),
            '[[{"k": "2020-01-01"}]]',
            "[{a={k=2020-01-01}}]",
        ),
    ],
)
def test_a_value_is_printed_as_athena_prints_it(signature: dict[str, Any], sent: str, printed: str) -> None:
    # numbers with a fraction stay the server's text, as the client reads them
    assert renderer(signature)(json.loads(sent, parse_float=str)) == printed


def test_null_is_no_text_at_all_in_a_row() -> None:
    render = row_renderer([Column("a", "integer", plain("integer")), Column("b", "varchar", plain("varchar"))])

    assert render([None, "x"]) == [None, "x"]


def test_a_column_is_described_with_athenas_type_precision_and_scale() -> None:
    info = column_info(Column("paid", "decimal(9, 2)", plain("decimal", 9, 2)))

    assert (info["Name"], info["Type"], info["Precision"], info["Scale"]) == ("paid", "decimal", 9, 2)
    assert type_name(plain("real")) == "float"
    assert column_info(Column("t", "varchar", plain("varchar", 2147483647)))["CaseSensitive"] is True
