"""Glue crawlers, for real: what lies under a crawler's targets becomes tables of its database.

`crawl` takes a crawler as GetCrawler gives it, its classifiers as GetClassifier gives them, and clients that carry the
crawler's role. It knows nothing of the emulator: it works against anything that speaks S3 and Glue.
"""

from sandbox.crawler.crawl import crawl
from sandbox.crawler.report import CrawlError, CrawlReport

__all__ = ["CrawlError", "CrawlReport", "crawl"]
