"""The sweeper: compares bucket, ledger, leases, runs and catalog every quarter of an hour, and heals what differs.

| what differs                                | how it is healed                                    |
| ------------------------------------------- | --------------------------------------------------- |
| an object version without an entry          | taken in like any arrival                           |
| RECEIVED for longer than GRACE              | judged again                                        |
| a lease whose run ended, died or expired    | tended as by the conductor                          |
| LOADING in a batch that nobody flies        | back to PENDING                                     |
| silver newer than gold's watermark          | gold is asked for                                   |
| PENDING, gold due, a crawl asked for        | started                                             |
| the last crawl failed                       | crawled again                                       |
| a file set aside that nobody was told about | told                                                |
| a gold run that nobody was told about       | told                                                |
| messages in the dead-letter queues          | handled, at most three times (lake/deadletters.py)  |
| a table that the catalog lost               | its crawler brings it back (lake/catalog.py)        |

The bucket is listed page by page until the time is up; the cursor in the ledger lets the next sweep go on from there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lake.alerting import not_loaded
from lake.deadletters import DeadLetters
from lake.digest import Digest
from lake.entries import HELD, LOADING, PENDING, RECEIVED, REJECTED, FileEntry
from lake.flow import Flow
from lake.freshness import behind
from lake.healing import healed, still_open
from lake.intake import Intake
from lake.leases import GRACE_SECONDS
from lake.ports import ObjectVersion

ASIDE = "(Done by a sweep.)"  # in the history of a file, so that `lake explain` can tell what was healed

log = logging.getLogger("lake")


class Sweeper:
    """One sweep. `time_left` gives the seconds that remain; listing stops when fewer than `reserve` are left.

    `again`: dead letters that were given up are tried again too.
    """

    def __init__(
        self,
        flow: Flow,
        time_left: Callable[[], float] = lambda: 900.0,
        reserve: float = 45.0,
        again: bool = False,
    ) -> None:
        self.flow = flow
        flow.ledger.aside = ASIDE
        self._again = again
        self.intake = Intake(flow)
        self._time_left = time_left
        self._reserve = reserve
        self._entries: list[FileEntry] = []
        self._failed = 0
        self._late: list[str] = []  # silver tables that gold has not seen, or tables that cannot be read

    def sweep(self) -> dict[str, Any]:
        """Heals what differs; gives what was found and done, as plain values."""
        flow = self.flow
        report: dict[str, Any] = {"silver": flow.silver.tend(), "gold": flow.gold.tend()}
        report["maintain"] = flow.maintain.tend()
        report["tables"] = self._bring_tables_back()
        report["lost_metadata"] = self._lost_metadata()
        report.update(self._redrive())
        report["judged_again"] = self._judge_again()
        report["taken_in"], report["listed_to_the_end"] = self._take_in_missing()
        report["put_back"] = self._put_back_orphans()
        if report["lost_metadata"]:  # nobody can tell whether gold is behind, and no run could change it
            report["gold_behind"], self._late = [], report["lost_metadata"]
        else:
            report["gold_behind"] = self._ask_for_gold()
        report["crawler"] = self._tend_crawler()
        report["arrivals"] = self.intake.finish(self._entries)
        report["started"] = flow.move_on()
        report["announced"] = self._announce()
        report["told_late"] = self._tell_late()
        queues = [queue for queue in (flow.ports.dead_letters, flow.ports.dead_events) if queue]
        report["dead_letters"] = sum(sum(queue.depth()) for queue in queues)
        report["failed"] = self._failed
        lines = healed(report)
        for line in [*lines, *still_open(report)]:
            log.warning("healing", extra={"healing": line})
        self._measure(len(lines), report["dead_letters"])
        log.info("swept", extra={"report": report})
        return report

    def _measure(self, healed_kinds: int, dead_letters: int) -> None:
        """How things are after this sweep, for the alarms."""
        measures, ledger = self.flow.measures, self.flow.ledger
        measures.count("Healed", healed_kinds)
        measures.note("DeadLettersNow", dead_letters)
        measures.note("FilesHeldNow", sum(1 for _ in ledger.entries([HELD])))
        measures.note("FilesWaitingNow", sum(1 for _ in ledger.entries([PENDING])))
        measures.note("GoldBehindNow", len(self._late))

    def _bring_tables_back(self) -> dict[str, str]:
        """Tables that the catalog lost: what was done about each."""
        done: dict[str, str] = {}
        for repair in self.flow.repairs:
            found = repair.repair(repair.tables(self.flow.contracts), self.flow.clock)
            done.update({f"{repair.database}.{table}": words for table, words in found.items()})
        return done

    def _lost_metadata(self) -> list[str]:
        """Tables whose entry leads nowhere, in words. Taking an entry out is left to people."""
        repairs = self.flow.repairs
        return [words for repair in repairs for words in repair.unreadable(repair.tables(self.flow.contracts))]

    def _redrive(self) -> dict[str, int]:
        letters = DeadLetters(self.flow, self.intake, lambda: self._time_left() <= self._reserve, self._again)
        done = letters.redrive()
        self._entries += letters.entries
        return {"redriven": done.handled, "redrive_failed": done.failed, "redrive_given_up": done.given_up}

    # ---- bucket and ledger ---------------------------------------------------------------------------------------

    def _judge_again(self) -> int:
        before = self.flow.clock.now() - GRACE_SECONDS
        stuck = [
            entry
            for entry in self.flow.ledger.entries([RECEIVED])
            if datetime.fromisoformat(entry.arrived_at).timestamp() < before
        ]
        return sum(self._take(entry.key, entry.version) for entry in stuck)

    def _take_in_missing(self) -> tuple[int, bool]:
        """Lists the bucket from the cursor on; gives how many were taken in, and whether all was seen."""
        ledger, taken = self.flow.ledger, 0
        began = cursor = ledger.sweep_cursor()
        from_the_top = cursor is None
        while self._time_left() > self._reserve:
            page, cursor = self.flow.ports.objects.page(cursor)
            for item in self._without_entry(page):
                if self._time_left() <= self._reserve:
                    return taken, False  # the cursor stays before this page
                taken += self._take(item.key, item.version)
            ledger.keep_sweep_cursor(cursor)
            if from_the_top and (cursor is None or (began is not None and cursor[0] > began[0])):
                return taken, True
            from_the_top = from_the_top or cursor is None
        return taken, False

    def _without_entry(self, page: list[ObjectVersion]) -> list[ObjectVersion]:
        files = [item for item in page if not item.is_folder]
        known = self.flow.ledger.states_of([(item.key, item.version) for item in files])
        return [item for item in files if (item.key, item.version) not in known]

    def _take(self, key: str, version: str) -> bool:
        """Takes one version in; one that cannot be read does not stop the others."""
        try:
            entries = self.intake.take(key, version)
        except (ClientError, BotoCoreError) as error:
            log.exception("not taken in", extra={"key": key, "version": version, "error": type(error).__name__})
            self._failed += 1
            return False
        self._entries += entries
        return bool(entries)

    def _put_back_orphans(self) -> int:
        """LOADING entries of batches that are over; the lease is read last, so a batch that has begun holds it."""
        loading = list(self.flow.ledger.entries([LOADING]))
        owner = self.flow.leases.read(self.flow.silver.name).owner
        reason = "Its batch ended without settling it; it goes into the next one."
        moved = 0
        for entry in loading:
            if entry.batch_id != owner:
                now = self.flow.clock.now()
                moved += self.flow.ledger.transition(entry, PENDING, at=now, reason=reason) is not None
        return moved

    # ---- what is due ---------------------------------------------------------------------------------------------

    def _ask_for_gold(self) -> list[str]:
        """Asks for gold when it is behind; not while silver or gold is at work, because that asks by itself."""
        self._late = late = behind(
            self.flow.ports.tables, self.flow.settings.silver_database, self.flow.settings.gold_database
        )
        if self.flow.leases.read("silver").held or self.flow.leases.read("gold").held:
            return []
        if late and not self.flow.gold.due:
            self.flow.leases.want("gold")
        return late

    def _tend_crawler(self) -> str:
        state = self.flow.ports.crawlers.state(self.flow.crawling.name)
        if state.state == "READY" and state.last == "FAILED" and not self.flow.crawling.pending:
            self.flow.ledger.ask_for_crawl(self.flow.crawling.name)
        return "started" if self.flow.crawling.start_if_asked() else state.state

    def _tell_late(self) -> int:
        """Tells people about files that were set aside by a process that died before it could."""
        owed = self.flow.ledger.words_owed(before=self.flow.clock.now() - GRACE_SECONDS)
        entries = list(self.flow.ledger.entries_of(owed).values())
        return self.flow.alarm.set_aside(not_loaded, [e for e in entries if e.state in (HELD, REJECTED)])

    def _announce(self) -> str | None:
        """Tells the last gold run if its own event got lost (told once only, see lake/digest.py)."""
        last = self.flow.leases.read("gold").last_owner
        return Digest(self.flow).announce(last) if last else None
