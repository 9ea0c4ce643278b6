"""Crawler runs: the state machine, logs and events around `sandbox.crawler.crawl`, which does the work."""

from __future__ import annotations

import contextvars
import copy
import logging
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import glue

from sandbox.crawler import CrawlReport, crawl
from sandbox.emulator import seams
from sandbox.glue import events, role
from sandbox.glue.logs import LogStream

_logger = logging.getLogger("sandbox.glue")
_LOG_GROUP = "/aws-glue/crawlers"
_INTERRUPTED = "The sandbox was stopped while this crawler ran."
Response = tuple[int, dict[str, str], bytes]


def install(endpoint: str, region: str) -> None:
    calls = CrawlerCalls(endpoint, region)
    seams.replace(glue, "_start_crawler", "data", calls.start_crawler)
    seams.replace(glue, "_stop_crawler", "data", calls.stop_crawler)


def fail_interrupted() -> list[tuple[str, str, str]]:
    """Put crawlers back that ran when the emulator was killed; answer (account, region, name)."""
    found = []
    for (account, region, name), crawler in list(glue._crawlers._data.items()):
        if crawler["State"] != "READY":
            crawler["State"] = "READY"
            crawler["LastCrawl"] = _last_crawl("FAILED", time.time(), name, _INTERRUPTED)
            found.append((account, region, name))
    return found


class CrawlerCalls:
    """StartCrawler and StopCrawler. A crawl runs in a thread, under the crawler's role."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._endpoint = endpoint
        self._region = region
        self._lock = threading.Lock()

    def start_crawler(self, data: Mapping[str, Any]) -> Response:
        name = str(data.get("Name"))
        with self._lock:
            crawler = glue._crawlers.get(name)
            if crawler is None:
                return error_response_json("EntityNotFoundException", f"Crawler {name} not found", 400)
            if crawler["State"] != "READY":
                return error_response_json(
                    "CrawlerRunningException", f"Crawler with name {name} has already started", 400
                )
            crawler["State"] = "RUNNING"
            crawler["CrawlElapsedTime"] = 0
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run, crawler), name=f"crawler-{name}", daemon=True).start()
        return json_response({})

    def stop_crawler(self, data: Mapping[str, Any]) -> Response:
        name = str(data.get("Name"))
        with self._lock:
            crawler = glue._crawlers.get(name)
            if crawler is None:
                return error_response_json("EntityNotFoundException", f"Crawler {name} not found", 400)
            if crawler["State"] == "READY":
                return error_response_json(
                    "CrawlerNotRunningException", f"Crawler with name {name} is not running", 400
                )
            crawler["State"] = "STOPPING"  # the crawl ends by itself; what it has written stays, as on AWS
        return json_response({})

    def _run(self, crawler: dict[str, Any]) -> None:
        name = crawler["Name"]
        started = time.time()
        events.crawler_started(name)
        log: list[str] = [f"[{secrets.token_hex(8)}] BENCHMARK : Running Start Crawl for Crawler {name}"]
        report: CrawlReport | None = None
        keys: role.Credentials | None = None
        error = ""
        try:
            keys = role.assume(str(crawler.get("Role") or ""), "AWS-Crawler", self._endpoint, self._region)
            report = _crawl(crawler, keys)
            log += list(report.messages)
        except Exception as failure:  # whatever stopped it, the crawler must be READY again and say why
            _logger.warning("Crawler %s failed", name, exc_info=True)
            error = str(failure) or type(failure).__name__
            log.append(f"ERROR : {error}")
        if keys is not None:
            LogStream(keys.client("logs"), _LOG_GROUP, name).write(log)
        seconds = time.time() - started
        with self._lock:
            stopped = crawler["State"] == "STOPPING"
            status = "FAILED" if error else "CANCELLED" if stopped else "SUCCEEDED"
            crawler["CrawlElapsedTime"] = int(seconds * 1000)
            crawler["LastCrawl"] = _last_crawl(status, started, name, error)
            crawler["State"] = "READY"
        where = f"{_LOG_GROUP}/{name}"  # AWS links to its console, which does not know this laptop
        if report is None:
            events.crawler_failed(name, where, error)
        else:
            events.crawler_succeeded(name, seconds, where, report)


def _crawl(crawler: dict[str, Any], keys: role.Credentials) -> CrawlReport:
    asked = list(crawler.get("Classifiers") or [])
    classifiers = [copy.deepcopy(glue._classifiers[name]) for name in asked if name in glue._classifiers]
    return crawl(copy.deepcopy(crawler), classifiers, keys.client("s3"), keys.client("glue"))


def _last_crawl(status: str, started: float, stream: str, error: str) -> dict[str, Any]:
    last = {
        "Status": status,
        "StartTime": started,
        "LogGroup": _LOG_GROUP,
        "LogStream": stream,
        "MessagePrefix": secrets.token_hex(16),
    }
    return {**last, "ErrorMessage": error} if error else last
