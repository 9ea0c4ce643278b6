"""`lake forget`: one customer is erased, everywhere."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import context, render
from cli.errors import CliError
from cli.options import JsonOption, StackOption, Target, TargetOption
from cli.wait import finish

if TYPE_CHECKING:
    from lake.erasure.bronze import Found

ROLE, KEY = "EraserRole", "PseudonymKey"  # of the template


@dataclass
class Done:
    """What was erased where. `customer` is the keyed hash, which is all that is kept of the id."""

    customer: str
    dry_run: bool
    cells: int = 0
    files: list[str] = field(default_factory=list)
    bronze_versions: int = 0
    silver_versions: int = 0
    results: int = 0
    left: list[str] = field(default_factory=list)  # what somebody has to do by hand

    @property
    def complete(self) -> bool:
        return not self.left and not self.dry_run


def forget(
    customer: Annotated[
        str, typer.Argument(metavar="CUSTOMER_ID", help="The id as files write it; - reads it from standard input.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show which files would be rewritten, change nothing.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0, help="Seconds to wait at most for silver and gold.")
    ] = 3600,
    target: TargetOption = Target.sandbox,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase one customer from bronze, silver, quarantine, snapshots and query results. The orders stay."""
    from lake.erasure.hold import BusyError
    from lake.erasure.wanted import Wanted

    try:
        wanted = Wanted(sys.stdin.readline() if customer == "-" else customer)
    except ValueError as error:
        raise CliError("Which customer? Give the id, or - and the id on standard input.", code=2) from error
    lake = context.connect(target, stack)
    erasure = _Erasure(lake, wanted, timeout, as_json)
    try:
        done = erasure.dry_run() if dry_run else erasure.run()
    except BusyError as error:
        raise CliError(f"Not erased: {error}.") from error
    if as_json:
        render.show_json({**asdict(done), "complete": done.complete})
    for line in done.left:
        render.say(render.safe(f"By hand: {line}"), stderr=True, style="red")
    if done.left:
        raise typer.Exit(1)


class _Erasure:
    """One customer's way out. The role does what reads or deletes; the ledger and the jobs are the caller's."""

    def __init__(self, lake: context.Lake, wanted: Any, timeout: float, quiet: bool) -> None:
        from lake.erasure.bodies import Bodies
        from lake.pseudonyms import pseudonym, secret_of

        self._lake, self._wanted, self._timeout, self._quiet = lake, wanted, timeout, quiet
        self._assume()
        self._hash = pseudonym(secret_of(lake.resource(KEY), self._role.client("kms")), wanted.customer)
        self._flow = lake.flow
        self._bodies = Bodies(wanted, self._flow.contracts)

    def _assume(self) -> None:
        """Takes the role, whose keys are good for an hour."""
        from lake.erasure.vault import S3Vault

        self._role = self._lake.as_role(ROLE)
        s3 = self._role.client("s3")
        self._bronze = S3Vault(self._lake.output("BronzeBucketName"), s3)
        self._bucket = S3Vault(self._lake.output("LakeBucketName"), s3)

    def dry_run(self) -> Done:
        from lake.erasure.bronze import look

        found = look(self._bronze, self._flow.ledger, self._bodies)
        self._tell_found(found)
        for copy in found.copies:
            words = render.count(copy.cells, "cell") if copy.cells else "copied, to stay in its place"
            self._say(f"  {copy.original.key}, version {copy.original.version}: {words}")
        return self._done(found, dry_run=True)

    def run(self) -> Done:
        self._settle()
        found, counting = self._replace()
        self._flow.move_on()
        self._settle()
        self._check(counting)
        self._assume()  # waiting may have taken most of the hour
        done = self._done(found)
        self._destroy(found, done)
        self._keep_proof(done)
        if done.complete:
            self._say("Erased. The ledger keeps the proof, under the keyed hash of the id.")
        return done

    # ---- steps ---------------------------------------------------------------------------------------------------

    def _replace(self) -> tuple[Found, dict[tuple[str, str], str]]:
        from lake.erasure.bronze import Replacing, look
        from lake.erasure.hold import Hold

        with Hold(self._flow) as hold:
            found = look(self._bronze, self._flow.ledger, self._bodies)
            self._tell_found(found)
            replacing = Replacing(self._flow, self._bronze, self._wanted, hold.alive)
            replacing.replace(found.copies)
            replacing.take_back(found.replaced)
        copies = render.count(len(found.copies), "copy", "copies")
        self._say(f"bronze: {copies} put in place; silver and gold read them now.")
        return found, {**found.counting, **replacing.counting}

    def _check(self, counting: dict[tuple[str, str], str]) -> None:
        from lake.erasure.bronze import differences

        wrong = differences(self._flow.ledger, counting)
        if wrong:
            raise CliError(
                f"Nothing was deleted, because silver did not take every copy as it took the original: {wrong[0]}. "
                "Mend that (`lake files`), then ask again."
            )

    def _destroy(self, found: Found, done: Done) -> None:
        from lake.erasure import silver
        from lake.erasure.hold import Hold
        from lake.erasure.wanted import Wanted

        warehouse = f"warehouse/{self._lake.output('SilverDatabase')}/"
        # Gold's as well: a run of it must not look for a snapshot that goes.
        with Hold(self._flow, (self._flow.silver, self._flow.gold)) as hold:
            originals = [*(copy.original for copy in found.copies), *found.replaced]
            done.bronze_versions = silver.destroy(self._bronze, originals, hold.alive)
            self._say(f"bronze: {render.count(done.bronze_versions, 'version')} deleted for ever.")
            for table in self._tables():
                silver.vacuum(self._ask, table, hold.alive)
            done.silver_versions = silver.destroy(self._bucket, silver.former(self._bucket, warehouse), hold.alive)
            gone = render.count(done.silver_versions, "object version")
            self._say(f"silver: former snapshots are gone, {gone} for ever.")
            answers = [one for folder in silver.RESULTS for one in self._bucket.versions(folder)]
            results = silver.holding(self._bucket, answers, (self._wanted, Wanted(self._hash)))
            done.results = silver.destroy(self._bucket, results, hold.alive)
            self._say(f"query results: {render.count(done.results, 'object version')} deleted for ever.")
        self._flow.move_on()  # what came meanwhile
        done.left += self._rest(warehouse)

    def _rest(self, warehouse: str) -> list[str]:
        """What still holds the customer, looked for once more."""
        from lake.erasure import silver

        left = silver.still_there(self._ask, self._flow.contracts, self._tables(), self._hash)
        left += [
            f"s3://{self._bucket.bucket}/{one.key} (version {one.version}) has the id or its hash in it: see whether "
            "it is the customer, then delete that version"
            for one in silver.left_over(self._bucket, warehouse, self._wanted, self._hash)
        ]
        return left

    # ---- small things --------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        if finish(self._lake, self._timeout, quiet=True):
            raise CliError("The lake is not settled, or something failed meanwhile: mend that, then ask again.")

    def _tables(self) -> list[str]:
        """Silver's tables that are there: an empty lake has none."""
        from lake.erasure import silver

        database = self._lake.output("SilverDatabase")
        return [name for name in silver.tables(self._flow.contracts) if self._flow.ports.tables.exists(database, name)]

    def _ask(self, sql: str) -> list[tuple]:
        from lake.athena import AthenaError, ask

        database, group = self._lake.output("SilverDatabase"), self._lake.output("AthenaWorkGroup")
        try:
            return ask(self._role.client("athena"), sql, database, group).rows
        except AthenaError as error:
            raise CliError(f"Athena refused a step of the erasure, ask again when it is mended: {error}") from error

    def _done(self, found: Found, dry_run: bool = False) -> Done:
        files = sorted({one.key for one in [*(copy.original for copy in found.copies), *found.replaced]})
        return Done(self._hash, dry_run, found.cells, files, left=list(found.cannot))

    def _tell_found(self, found: Found) -> None:
        from lake.erasure.bronze import told

        self._say(f"bronze: {told(found)}.")

    def _keep_proof(self, done: Done) -> None:
        from lake.entries import timestamp

        at = timestamp(self._flow.clock.now())
        item = {"pk": f"ERASURE#{done.customer}", "sk": at, **asdict(done), "complete": done.complete}
        self._flow.ledger.store.put_new(item)

    def _say(self, text: str) -> None:
        render.say(render.safe(text), stderr=self._quiet)
