#!/usr/bin/env python3
"""report_page.py - drives a report's page in headless Chromium, as a person would look at it.

    report_page.py CHROMIUM PAGE [--pictures DIR] [--charts N] [--reload PAGE]

At the width of a desktop and of a phone, light and dark: no error on the console, nothing asked of a
network, no element wider than the window, every picture decoded, and the values of the curves where
the pointer is.  With --pictures it also keeps what it saw.  Standard library alone: it speaks the
browser's protocol over two pipes.
"""
import argparse
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

WIDTHS = {"desktop": (1280, 900, False), "phone": (390, 844, True)}

# Elements whose right or left edge is outside the window, unless something around them scrolls.
OVERFLOW = """
(() => {
  const wide = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) wide.push("the page");
  for (const e of document.body.querySelectorAll("*")) {
    const box = e.getBoundingClientRect();
    if (box.width === 0 || (box.right <= width + 0.5 && box.left >= -0.5)) continue;
    let around = e.parentElement;
    while (around && getComputedStyle(around).overflowX === "visible") around = around.parentElement;
    if (!around || around === document.documentElement || around === document.body)
      wide.push(e.tagName + "." + (e.className.baseVal ?? e.className));
  }
  return wide.slice(0, 5);
})()
"""
# Tables of the page itself (not those to be unfolded) that do not fit without scrolling.
SCROLLING = "[...document.querySelectorAll('section > .scroll')]" \
            ".filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.firstChild.className)"
BROKEN = "[...document.images].filter((i) => !i.complete || i.naturalWidth === 0).length"
# Where the middle of a chart is, after scrolling to it.
CHART = """
(() => {
  const svg = document.querySelectorAll(".chart svg")[%d];
  svg.scrollIntoView({ block: "center" });
  const box = svg.getBoundingClientRect();
  return [box.left + box.width * %f, box.top + box.height / 2];
})()
"""
TIP = """
(() => {
  const tip = document.querySelectorAll(".chart .tip")[%d];
  const box = tip.getBoundingClientRect();
  return [tip.hidden, tip.innerText, box.left, box.right];
})()
"""


class Browser:
    """A headless browser with one page, spoken to over pipes."""

    def __init__(self, program, profile):
        to_read, self.write = os.pipe()
        self.read, to_write = os.pipe()

        def take_pipes():  # the browser wants them as 3 and 4
            first, second = os.dup(to_read), os.dup(to_write)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-extensions", "--disable-background-networking",
             "--remote-debugging-pipe", "--user-data-dir=" + profile, "about:blank"],
            preexec_fn=take_pipes, close_fds=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.buffer = b""
        self.number = 0
        self.events = []
        target = self.call("Target.createTarget", {"url": "about:blank"}, False)["targetId"]
        self.session = None
        self.session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True},
                                 False)["sessionId"]

    def receive(self):
        while b"\0" not in self.buffer:
            more = os.read(self.read, 1 << 20)
            if not more:
                raise SystemExit("the browser is gone")
            self.buffer += more
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, parameters=None, in_page=True):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters or {}}
        if in_page:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, script):
        answer = self.call("Runtime.evaluate", {"expression": script, "returnByValue": True,
                                                "awaitPromise": True})
        if "exceptionDetails" in answer:
            raise SystemExit(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def open(self, url):
        self.events.clear()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        self.call("Page.navigate", {"url": url})
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.receive())

    def close(self):
        try:
            self.call("Browser.close", in_page=False)
        except (SystemExit, OSError):
            pass
        self.process.wait(timeout=30)


class Checks:
    def __init__(self):
        self.good = 0
        self.bad = 0

    def __call__(self, what, good, detail=""):
        self.good += bool(good)
        self.bad += not good
        if not good:
            print(f"FAILED: {what} {detail}", file=sys.stderr)


def hover(browser, check, view, charts):
    check(f"{view}: {charts} charts", browser.evaluate(
        "document.querySelectorAll('.chart svg').length") == charts)
    for chart in range(charts):
        for part in (0.15, 0.5, 0.95):
            x, y = browser.evaluate(CHART % (chart, part))
            browser.call("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})
            hidden, text, left, right = browser.evaluate(TIP % chart)
            check(f"{view}: chart {chart} says nothing at {part}", not hidden, text)
            check(f"{view}: chart {chart} has no number", any(c.isdigit() for c in text), text)
            check(f"{view}: the values of chart {chart} are outside the window",
                  left >= 0 and right <= browser.evaluate("innerWidth"), f"{left} {right}")
        browser.call("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": 2, "y": 2})
        check(f"{view}: chart {chart} goes on talking", browser.evaluate(TIP % chart)[0])


def look(browser, check, url, view, scheme, options):
    width, height, phone = WIDTHS[view]
    browser.call("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone})
    browser.call("Emulation.setEmulatedMedia", {
        "features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.open(url)
    name = f"{view} {scheme}"
    wide = browser.evaluate(OVERFLOW)
    check(f"{name}: wider than the window:", not wide, wide)
    wide = browser.evaluate(SCROLLING)
    check(f"{name}: to be scrolled sideways:", not wide, wide)
    check(f"{name}: pictures that cannot be shown", browser.evaluate(BROKEN) == 0)
    hover(browser, check, name, options.charts)
    if options.pictures:
        browser.evaluate("scrollTo(0, 0)")
        picture = browser.call("Page.captureScreenshot", {"captureBeyondViewport": True})
        (options.pictures / f"{view}-{scheme}.png").write_bytes(base64.b64decode(picture["data"]))
    # Folded parts are as wide as the rest.
    browser.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    wide = browser.evaluate(OVERFLOW)
    check(f"{name}: wider than the window when unfolded:", not wide, wide)
    colours = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    for event in browser.events:
        method = event.get("method")
        parameters = event.get("params", {})
        check(f"{name}: the console says", method not in (
            "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"), parameters)
        if method == "Network.requestWillBeSent":
            asked = parameters["request"]["url"]
            check(f"{name}: asks for", asked == url or asked.startswith("data:"), asked)
    return colours


def follow(browser, check, url, options):
    """The page of a run that goes on loads itself again, where the reader is, until it is done."""
    loads = lambda: sum(e.get("method") == "Page.loadEventFired" for e in browser.events)

    def wait(count, seconds):
        end = time.monotonic() + seconds
        while loads() < count and time.monotonic() < end:
            time.sleep(0.1)
            browser.evaluate("0")  # takes in what happened meanwhile

    browser.call("Emulation.setDeviceMetricsOverride", {
        "width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    browser.open(url)
    browser.evaluate("scrollTo(0, 500)")
    wait(2, 20)
    check("the page does not load itself again", loads() >= 2)
    time.sleep(0.3)
    check("the reader is taken elsewhere", browser.evaluate("scrollY") == 500)
    os.replace(options.reload, options.page)
    wait(loads() + 1, 20)
    done = loads()
    wait(done + 1, 3)
    check("a run that is done loads itself again", loads() == done)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("chromium")
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path)
    parser.add_argument("--charts", type=int, default=3)
    parser.add_argument("--reload", type=pathlib.Path,
                        help="only see that the page loads itself again, until this one replaces it")
    options = parser.parse_args()
    check = Checks()
    url = options.page.resolve().as_uri()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(options.chromium, profile)
        try:
            if options.reload:
                follow(browser, check, url, options)
            for view in () if options.reload else WIDTHS:
                colours = {look(browser, check, url, view, scheme, options)
                           for scheme in ("light", "dark")}
                check(f"{view}: light is dark", len(colours) == 2, colours)
            check("the page is titled", "mien report" in browser.evaluate("document.title"))
            if options.pictures:
                paper = browser.call("Page.printToPDF", {"printBackground": True})
                (options.pictures / "paper.pdf").write_bytes(base64.b64decode(paper["data"]))
        finally:
            browser.close()
    print(f"{options.page.name}: {check.good} passed, {check.bad} failed")
    return 1 if check.bad else 0


if __name__ == "__main__":
    sys.exit(main())
