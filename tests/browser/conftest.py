"""Chromium, the page in it, and two years of generated orders that the first test drops through the page itself."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lake.sample import Spec, write
from tests.e2e.conftest import LAKE, REPOSITORY, Lake

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver") or shutil.which("chromium.chromedriver")
# The machine of a test run has no display, and often no user but root. Nothing of Chromium's own may use the network.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
    "--disable-dev-shm-usage", "--force-color-profile=srgb", "--lang=en",
)  # fmt: skip
DESKTOP, PHONE = (1280, 900), (390, 844)
ORDERS = 200_000  # as many as make a question's hundredth of the csv worth measuring
SCREENSHOTS = os.environ.get("LAKE_SCREENSHOTS")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def chromium() -> tuple[str, str]:
    """Where Chromium and its driver are. Without them there is nothing to test with; CI must have them."""
    if CHROMIUM and DRIVER:
        return CHROMIUM, DRIVER
    missing = "Chromium and its driver are not installed (Debian: apt-get install chromium chromium-driver)"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def page_url(chromium: tuple[str, str], lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`lake dashboard` as a person starts it. Ctrl-C ends it."""
    log = tmp_path_factory.mktemp("page") / "log"
    with log.open("w") as out:
        process = subprocess.Popen([str(LAKE), "dashboard"], env=lake.environment, stdout=out, stderr=out)
    try:
        yield told_address(process, log)
        assert process.poll() is None, f"the page ended by itself\n{log.read_text()}"
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text(), log.read_text()


def told_address(process: subprocess.Popen[bytes], log: Path, seconds: float = 90) -> str:
    """The address that the page's process prints when it answers."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        if found:
            return found[0]
        assert process.poll() is None, f"the page did not start\n{log.read_text()}"
        time.sleep(0.1)  # a log has no other sign
    raise AssertionError(f"no address after {seconds:.0f} s\n{log.read_text()}")


class Visitor:
    """A person with a browser at the page."""

    def __init__(self, driver: Any, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, size: tuple[int, int] = DESKTOP) -> None:
        self.resize(*size)
        self.driver.get(self.url)
        self.until(lambda: self.all("#scanned") or "lake is empty" in self.text, "the page to be drawn")
        self.settled()

    def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
        """Waits for a condition; what the page said instead is in the failure."""
        from selenium.common.exceptions import StaleElementReferenceException

        deadline = time.monotonic() + seconds
        while True:
            try:
                found = condition()
            except StaleElementReferenceException:
                found = None  # drawn anew while it was looked at
            if found:
                return found
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}\n{self.text}"
            time.sleep(0.2)

    def all(self, selector: str) -> list[Any]:
        return list(self.driver.find_elements("css selector", selector))

    @property
    def text(self) -> str:
        return str(self.driver.execute_script("return document.body.textContent"))

    @property
    def headline(self) -> str:
        return "".join(element.text for element in self.all("h1"))

    def drop(self, file: Path) -> None:
        zone = "[data-testid=stFileUploader] input[type=file]"
        self.until(lambda: self.all(zone), "the drop zone")[0].send_keys(str(file))

    def choose(self, label: str, option: str) -> None:
        """Types into a box and takes what it offers, as a person at a keyboard does."""
        from selenium.webdriver.common.keys import Keys

        box = self.until(lambda: self.all(f'input[aria-label="{label}"]'), f"the box {label}")[0]
        box.click()
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(option, Keys.ENTER)

    def settled(self) -> None:
        """Until Streamlit has drawn everything it was asked for."""
        self.until(
            lambda: (
                self.all("[data-testid=stApp][data-test-script-state=notRunning]") and not self.all("[data-stale=true]")
            ),
            "the page to be drawn",
        )

    def picture(self, name: str, size: tuple[int, int], whole: bool = True) -> None:
        """A small PNG of the page, where LAKE_SCREENSHOTS says."""
        if not SCREENSHOTS:
            return
        import io

        from PIL import Image

        height = size[1]
        if whole:
            height = self.driver.execute_script("return document.querySelector('[data-testid=stMain]').scrollHeight")
        self.resize(size[0], height)
        self.settled()
        self.until(lambda: len(self.all("[data-testid=stVegaLiteChart] svg")) >= 4, "the charts")
        image = Image.open(io.BytesIO(self.driver.get_screenshot_as_png())).convert("RGB")
        target = REPOSITORY / SCREENSHOTS / name
        target.parent.mkdir(parents=True, exist_ok=True)
        image.quantize(64).save(target, optimize=True)
        self.resize(*size)


@pytest.fixture(scope="session")
def visitor(chromium: tuple[str, str], page_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium[0]
    profile = f"--user-data-dir={tmp_path_factory.mktemp('profile')}"
    for flag in (*FLAGS, profile, f"--window-size={DESKTOP[0]},{DESKTOP[1]}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromium[1]))
    try:
        yield Visitor(driver, page_url)
    finally:
        driver.quit()


@pytest.fixture(scope="session")
def two_years(visitor: Visitor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated orders with planted causes, dropped through the page and arrived in gold. Tells what was seen."""
    file = tmp_path_factory.mktemp("drop") / "two years.csv"
    write(file, Spec(ORDERS, seed=6))
    visitor.open()
    visitor.drop(file)
    visitor.until(lambda: "orders/two years.csv" in visitor.text, "the upload")
    visitor.until(lambda: "gold shows it" in visitor.text, "the file to arrive in gold", seconds=900)
    visitor.settled()
    return file
