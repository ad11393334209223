"""A real browser, driven over the WebDriver protocol: JSON to chromedriver, and nothing to install for it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --force-color-profile=srgb"
)
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Right": "\ue014", "Down": "\ue015", "Space": " "}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key that the protocol gives an element under
DRIVER, CHROMIUM = shutil.which("chromedriver"), shutil.which("chromium")
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the driver is on this machine
MISSING = "needs a browser: apt-get install chromium chromium-driver"


class Refused(Exception):
    """What the driver said no to."""


class Browser:
    """A session; `base` is its address."""

    def __init__(self, base: str) -> None:
        self.base = base

    def open(self, path: Path) -> None:
        """Load a file."""
        send("POST", f"{self.base}/url", {"url": path.resolve().as_uri()})

    def run(self, script: str, *arguments: Any) -> Any:
        """The value that a function body returns in the page."""
        return send("POST", f"{self.base}/execute/sync", {"script": script, "args": list(arguments)})

    def click(self, selector: str) -> None:
        """Press the first element that is found."""
        send("POST", f"{self.base}/element/{self._find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        """Write into a field."""
        send("POST", f"{self.base}/element/{self._find(selector)}/value", {"text": text})

    def press(self, *names: str) -> None:
        """Press keys, one after the other."""
        actions = [{"type": kind, "value": KEYS[name]} for name in names for kind in ("keyDown", "keyUp")]
        send("POST", f"{self.base}/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def hover(self, selector: str) -> None:
        """Rest the pointer on an element."""
        move = {"type": "pointerMove", "origin": {ELEMENT: self._find(selector)}, "x": 0, "y": 0, "duration": 50}
        pointer = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": [move]}
        send("POST", f"{self.base}/actions", {"actions": [pointer]})

    def print(self, **options: Any) -> bytes:
        """The page as PDF."""
        return b64decode(send("POST", f"{self.base}/print", {"background": False, **options}))

    def shot(self) -> bytes:
        """What is seen, as PNG."""
        return b64decode(send("GET", f"{self.base}/screenshot"))

    def tell(self, command: str, **parameters: Any) -> Any:
        """A command of the browser's own protocol, such as the size of the screen or the colours of the system."""
        return send("POST", f"{self.base}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What was logged since the last look: `browser` is the console, `performance` has every request."""
        return list(send("POST", f"{self.base}/se/log", {"type": kind}))

    def wide(self, width: int, height: int = 900) -> None:
        """Make the window so large, in pixels of CSS."""
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, **features: str) -> None:
        """Prefer something as the system would: `prefers_color_scheme="dark"`."""
        told = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.tell("Emulation.setEmulatedMedia", features=told)

    def scripts(self, *, are_on: bool) -> None:
        """Let pages run scripts or not."""
        self.tell("Emulation.setScriptExecutionDisabled", value=not are_on)

    def _find(self, selector: str) -> str:
        found = send("POST", f"{self.base}/element", {"using": "css selector", "value": selector})
        return str(found[ELEMENT])


def send(method: str, url: str, body: Any = None) -> Any:
    """One exchange with the driver."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with OPENER.open(request, timeout=120) as reply:
            return json.load(reply)["value"]
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(json.load(error)["value"]["message"]) from None


@contextmanager
def started(folder: Path) -> Iterator[Browser]:
    """A browser of its own, with an empty profile in `folder`; both programs end with the block."""
    assert DRIVER is not None
    assert CHROMIUM is not None
    driver = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        address = f"http://127.0.0.1:{_port(driver)}"
        session = send("POST", f"{address}/session", {"capabilities": {"alwaysMatch": _wanted(CHROMIUM, folder)}})
        base = f"{address}/session/{session['sessionId']}"
        try:
            yield Browser(base)
        finally:
            send("DELETE", base)
    finally:
        driver.terminate()
        driver.communicate()


def _port(driver: subprocess.Popen[str]) -> str:
    """Where a driver listens, by its first words."""
    assert driver.stdout is not None
    told = []
    for line in driver.stdout:
        told.append(line)
        found = re.search(r"started successfully on port (\d+)", line)
        if found:
            return found[1]
    raise Refused(f"chromedriver did not start: {' '.join(told)}")


def _wanted(program: str, folder: Path) -> dict[str, Any]:
    flags = [*FLAGS.split(), f"--user-data-dir={folder}"]
    options = {"binary": program, "args": flags, "excludeSwitches": ["enable-logging"]}
    return {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
