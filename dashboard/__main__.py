"""`python -m dashboard --port N`: serves the page on 127.0.0.1 until Ctrl-C, or until the process's parent is gone."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from dashboard import drop, palette

PAGE = Path(__file__).with_name("page.py")
ADDRESS = "127.0.0.1"


def options(port: int) -> dict[str, object]:
    """Streamlit's settings: this machine only, nothing sent anywhere, no tools of a developer on the page."""
    return {
        "server.address": ADDRESS,
        "server.port": port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.enableStaticServing": False,
        "server.maxUploadSize": drop.LARGEST_MB,
        "server.showEmailPrompt": False,
        "browser.serverAddress": ADDRESS,
        "browser.serverPort": port,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "logger.hideWelcomeMessage": True,
        "logger.level": "warning",
        "theme.base": "light",
        "theme.primaryColor": palette.ACCENT,
        "theme.backgroundColor": palette.BACKGROUND,
        "theme.secondaryBackgroundColor": palette.PANEL,
        "theme.textColor": palette.TEXT,
    }


def main() -> None:
    """Serve until told to stop. The address is printed when the page answers there."""
    parser = argparse.ArgumentParser(prog="python -m dashboard")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    parent = psutil.Process().parent()
    threading.Thread(target=_stop_with, args=(parent,), daemon=True).start()
    threading.Thread(target=_announce, args=(port,), daemon=True).start()
    _serve(port)


def _serve(port: int) -> None:
    from streamlit import config
    from streamlit.web import bootstrap

    flags = {name.replace(".", "_"): value for name, value in options(port).items()}
    bootstrap.load_config_options(flags)
    config.set_option("server.port", port)
    bootstrap.run(str(PAGE), False, [], flags)


def _stop_with(parent: psutil.Process | None) -> None:
    """A page that nobody can stop any more stops by itself."""
    if parent is not None:
        parent.wait()
    os.kill(os.getpid(), signal.SIGTERM)


def _announce(port: int) -> None:
    url = f"http://{ADDRESS}:{port}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy is not for this machine
    while True:
        try:
            direct.open(f"{url}/_stcore/health", timeout=5).close()
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)  # it has no other sign that it is up
    sys.stdout.write(f"The page is at {url} (Ctrl-C stops it).\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
