"""What a crawl says in the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from sandbox.errors import SandboxError

_DENIED = {"AccessDenied", "AccessDeniedException", "403", "Forbidden", "UnauthorizedOperation"}


class CrawlError(SandboxError):
    """A crawl could not read a target or write its database; the message is one sentence for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__("crawler", reason)

    def __str__(self) -> str:
        # It becomes the crawler's LastCrawl error message, where the part is known.
        return self.reason


@dataclass
class CrawlReport:
    """What changed: names of tables, `table/value/value` of partitions, and a line for all else worth knowing."""

    tables_created: list[str] = field(default_factory=list)
    tables_updated: list[str] = field(default_factory=list)
    tables_deleted: list[str] = field(default_factory=list)
    partitions_added: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


def code_of(problem: ClientError) -> str:
    """The error code of an AWS answer."""
    return str(problem.response.get("Error", {}).get("Code", ""))


def refused(problem: ClientError, action: str, resource: str) -> CrawlError:
    """The one sentence for an AWS answer that ends the crawl."""
    if code_of(problem) in _DENIED:
        return CrawlError(f"Access denied: the crawler's role may not {action} on {resource}.")
    message = problem.response.get("Error", {}).get("Message", "")
    return CrawlError(f"{action} on {resource} failed: {code_of(problem)} {message}".rstrip())
