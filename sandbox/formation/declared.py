"""What AWS::LakeFormation resources grant: principals, the tables they may touch, and the cells they see of them.

Grants add up, as in Lake Formation: whoever may read a whole table is not narrowed by a filter. What the sandbox cannot
enforce is refused by name, so that nobody takes a declaration for a protection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Properties = Mapping[str, Any]
PREFIX = "AWS::LakeFormation::"
TYPES = tuple(
    PREFIX + name
    for name in ("DataCellsFilter", "DataLakeSettings", "PrincipalPermissions", "Resource", "Tag", "TagAssociation")
)
# What a stack says that lets nobody read anything by itself.
_SILENT = ("Catalog", "DataLocation", "LFTag")
OWNER = "root"


class Unsupported(ValueError):  # noqa: N818 (a refusal, worded by what is refused)
    """The sandbox does not enforce this, so no stack may hold it."""


@dataclass(frozen=True)
class Cells:
    """A part of a table. rows: a condition, None for all of them. without: the columns that are left out."""

    rows: str | None = None
    without: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Access:
    """What one user may do with one table. cells: what is seen of it; empty when nothing is."""

    permissions: frozenset[str] = frozenset()
    cells: tuple[Cells, ...] = ()

    @property
    def whole(self) -> bool:
        """True when every cell is seen."""
        return Cells() in self.cells


@dataclass
class _Database:
    tags: dict[str, str] = field(default_factory=dict)
    tables: dict[str, dict[str, str]] = field(default_factory=dict)  # those that a resource names, with their own tags


class Declared:
    """All Lake Formation resources of an account's stacks, as (type, properties) with every function resolved."""

    def __init__(self, resources: Iterable[tuple[str, Properties]] = ()) -> None:
        self.admins: set[str] = set()
        self._locations: list[str] = []
        self._databases: dict[str, _Database] = {}
        self._filters: dict[tuple[str, str, str], Cells] = {}
        self._grants: list[tuple[str, frozenset[str], str, Properties]] = []
        readers = {
            "DataLakeSettings": self._settings,
            "DataCellsFilter": self._filter,
            "PrincipalPermissions": self._permissions,
            "Resource": self._location,
            "TagAssociation": self._association,
        }
        for kind, properties in resources:
            if reader := readers.get(kind.removeprefix(PREFIX)):
                reader(properties)

    @property
    def databases(self) -> tuple[str, ...]:
        """The databases that are governed: in all others, the rights in IAM are all there is."""
        return tuple(sorted(self._databases))

    @property
    def users(self) -> tuple[str, ...]:
        """Everybody who was granted something, but the administrators."""
        return tuple(sorted({user for user, *_ in self._grants} - self.admins))

    def tables(self, database: str) -> tuple[str, ...]:
        """The tables of a database that some resource names; what is granted on all others is the same."""
        return tuple(sorted(self._databases[database].tables))

    def limits(self, user: str) -> bool:
        """False for the account's owner and the administrators, who may read everything."""
        return bool(self._databases) and user != OWNER and user not in self.admins

    def registered(self, uri: str) -> bool:
        """True for data in a registered location: it is read through tables of governed databases only."""
        place = uri.partition("://")[2].rstrip("/") + "/"
        return any(place.startswith(location) for location in self._locations)

    def access(self, user: str, database: str, table: str | None) -> Access:
        """What a user may do with a table. `table` None: with every table of the database that nothing names.

        A user who is an administrator, and everybody outside the governed databases, is not limited here.
        """
        if database not in self._databases or not self.limits(user):
            return Access(frozenset({"ALL"}), (Cells(),))
        permissions: set[str] = set()
        cells: list[Cells] = []
        for who, granted, kind, resource in self._grants:
            seen = self._covers(kind, resource, database, table) if who == user else None
            if seen is None:
                continue
            permissions |= granted
            if granted & {"SELECT", "ALL"} and seen not in cells:
                cells.append(seen)
        return Access(frozenset(permissions), tuple(cells))

    def _covers(self, kind: str, resource: Properties, database: str, table: str | None) -> Cells | None:
        """The part of the table that a grant's resource is, None when it is another's."""
        if kind == "LFTagPolicy":
            return Cells() if resource["ResourceType"] == "TABLE" and self._tagged(resource, database, table) else None
        if _lower(resource, "DatabaseName") != database:
            return None
        if kind == "Table" and "TableWildcard" in resource:
            return Cells()
        if table is None or _lower(resource, "TableName" if kind == "DataCellsFilter" else "Name") != table:
            return None
        if kind == "DataCellsFilter":
            return self._filters.get((database, table, resource["Name"]))
        return Cells(None, _excluded(resource)) if kind == "TableWithColumns" else Cells()

    def _tagged(self, policy: Properties, database: str, table: str | None) -> bool:
        found = self._databases[database]
        tags = found.tags | (found.tables.get(table, {}) if table else {})
        return all(
            tags.get(one["TagKey"].lower()) in [value.lower() for value in one["TagValues"]]
            for one in policy["Expression"]
        )

    def _settings(self, properties: Properties) -> None:
        self.admins |= {user_of(one["DataLakePrincipalIdentifier"]) for one in properties.get("Admins") or ()}

    def _location(self, properties: Properties) -> None:
        self._locations.append(str(properties["ResourceArn"]).rpartition(":")[2].rstrip("/") + "/")

    def _filter(self, properties: Properties) -> None:
        database, table = _lower(properties, "DatabaseName"), _lower(properties, "TableName")
        rows = (properties.get("RowFilter") or {}).get("FilterExpression")
        self._named(database).tables.setdefault(table, {})
        self._filters[database, table, properties["Name"]] = Cells(rows, _excluded(properties))

    def _permissions(self, properties: Properties) -> None:
        ((kind, resource),) = properties["Resource"].items()
        if kind in _SILENT:
            return
        if kind == "Database" or (kind == "LFTagPolicy" and resource["ResourceType"] == "DATABASE"):
            if kind == "Database":
                self._named(_lower(resource, "Name"))
            return
        user = user_of(properties["Principal"]["DataLakePrincipalIdentifier"])
        if kind == "TableWithColumns":
            _excluded(resource)  # refuses what is not done
        if kind != "LFTagPolicy":
            tables = self._named(_lower(resource, "DatabaseName")).tables
            if name := _lower(resource, "TableName" if kind == "DataCellsFilter" else "Name"):
                tables.setdefault(name, {})
        self._grants.append((user, frozenset(properties["Permissions"]), kind, resource))

    def _association(self, properties: Properties) -> None:
        ((kind, resource),) = properties["Resource"].items()
        tags = {one["TagKey"].lower(): one["TagValues"][0].lower() for one in properties["LFTags"]}
        if kind == "Database":
            self._named(_lower(resource, "Name")).tags |= tags
        elif kind == "Table" and "Name" in resource:
            self._named(_lower(resource, "DatabaseName")).tables.setdefault(_lower(resource, "Name"), {}).update(tags)
        else:
            raise Unsupported(f"The sandbox does not enforce tags of a {kind} without one name")

    def _named(self, database: str) -> _Database:
        return self._databases.setdefault(database, _Database())


def user_of(arn: str) -> str:
    """The name under which the engine knows an identity: `role/NAME`, `user/NAME`, or root for the account's owner.

    Takes the ARN of a role, of a session of it, or of a user. Raises Unsupported for anything else.
    """
    service, _, resource = arn.rpartition(":")
    kind, _, name = resource.partition("/")
    if service.startswith("arn:") and resource == OWNER:
        return OWNER
    if not service.startswith("arn:") or not name:
        raise Unsupported(f"The sandbox does not enforce grants to {arn}")
    if kind == "assumed-role":
        return f"role/{name.partition('/')[0]}"
    return f"{kind}/{name.rpartition('/')[2]}"


def _lower(properties: Properties, name: str) -> str:
    return str(properties.get(name, "")).lower()


def _excluded(properties: Properties) -> frozenset[str]:
    """The columns that a filter or a grant leaves out."""
    if properties.get("ColumnNames"):
        raise Unsupported("The sandbox enforces ColumnWildcard with ExcludedColumnNames, not lists of ColumnNames")
    return frozenset(map(str.lower, (properties.get("ColumnWildcard") or {}).get("ExcludedColumnNames") or ()))
