"""Grants as rules of the engine's file-based access control. The first rule that fits decides.

Names are matched whole, in both of the engine's catalogs, since a query on a Hive catalog's name may be sent on to the
Iceberg one. Metadata tables (`orders$files`) count and list what a filter hides, so they are for those who may read the
whole table.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.formation.declared import OWNER, Access, Declared, Unsupported

Rule = dict[str, Any]
REFRESH_SECONDS = 1.0
# Who may do everything: the account's owner, and the sandbox itself, which asks whether the engine is up. No role and
# no user of IAM can have such a name: theirs begin with role/ and user/.
_ALWAYS = (OWNER, "sandbox")
_TABLE = ("SELECT", "INSERT", "DELETE", "UPDATE", "OWNERSHIP")
_EVERYTHING: Rule = {"privileges": list(_TABLE)}
_CATALOGS: Rule = {"allow": "all"}
_OPEN: dict[str, list[Rule]] = {
    "catalogs": [_CATALOGS],
    "functions": [{"privileges": ["EXECUTE", "GRANT_EXECUTE", "OWNERSHIP"]}],
    "procedures": [{"privileges": ["EXECUTE", "GRANT_EXECUTE"]}],
    "schemas": [{"owner": True}],
    "tables": [_EVERYTHING],
}


def rules(declared: Declared) -> dict[str, list[Rule]]:
    """The content of rules.json. Without governed databases everybody may do what IAM lets them do."""
    if not declared.databases:
        return _OPEN
    free = {"user": _any(*_ALWAYS, *sorted(declared.admins))}
    governed = {"schema": _any(*declared.databases)}
    tables: list[Rule] = [{**free, **_EVERYTHING}]
    for user in declared.users:
        for database in declared.databases:
            for table in declared.tables(database):
                tables += _rules_of(user, database, _any(table), declared.access(user, database, table))
            tables += _rules_of(user, database, "[^$]*", declared.access(user, database, None))
    # No rule for functions and procedures: only those of the language are left. Those of a catalog read tables past
    # their filters (table_changes).
    return {
        "catalogs": [_CATALOGS],
        "schemas": [{**free, "owner": True}, {**governed, "owner": False}, {"owner": True}],
        "tables": [*tables, {**governed, "privileges": []}, _EVERYTHING],
    }


def written(declared: Declared) -> str:
    """The text of rules.json."""
    return json.dumps(rules(declared), indent=1)


def _rules_of(user: str, database: str, table: str, access: Access) -> list[Rule]:
    """One table's rule, and that of its metadata tables."""
    named = {"user": _any(user), "schema": _any(database)}
    found: Rule = {**named, "table": table, "privileges": _privileges(access)}
    if access.whole or not access.cells:
        return [found, {**found, "table": f"{table}\\$.*"}]
    columns = {cells.without for cells in access.cells}
    if len(columns) > 1:
        raise Unsupported(f"The sandbox does not add up filters with different columns: {user} on {database}.{table}")
    (without,) = columns
    rows = [cells.rows for cells in access.cells]
    if None not in rows:
        found["filter"] = " OR ".join(f"({condition})" for condition in rows)
    if without:
        found["columns"] = [{"name": name, "allow": False} for name in sorted(without)]
    return [found, {**named, "table": f"{table}\\$.*", "privileges": []}]


def _privileges(access: Access) -> list[str]:
    """The engine's privileges for Lake Formation's permissions."""
    granted = access.permissions
    if "ALL" in granted:
        return list(_TABLE)
    found = {
        "SELECT": bool(access.cells),
        "INSERT": "INSERT" in granted,
        "DELETE": "DELETE" in granted,
        "UPDATE": {"INSERT", "DELETE"} <= granted,
        "OWNERSHIP": bool(granted & {"ALTER", "DROP"}),
    }
    return [name for name, given in found.items() if given]


def _any(*names: str) -> str:
    """A regular expression for one of these names, and nothing else."""
    return "|".join(re.escape(name) for name in names)
