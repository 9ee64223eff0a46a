"""Debian's Chromium, driven over WebDriver: what a person would do with the pages, in a window that nobody sees."""

import json
import re
import urllib.error
import urllib.request
from base64 import b64decode

from support.wait import until

DESK = (1280, 900)
PHONE = (390, 844)


class Browser:
    """One browser with a profile of its own. It reaches this machine only."""

    def __init__(self, case, name="chromium"):
        self._case = case
        driver = case.start(f"{name}-driver", ["chromedriver", "--port=0"])

        def port():
            driver.check()
            return re.search(r"successfully on port (\d+)", driver.stdout.read_text())

        self._driver = f"http://127.0.0.1:{until(port, 'chromedriver to say its port')[1]}"
        arguments = [
            "--headless=new",
            # Root may not use the sandbox, and tests may be root. All pages are ours.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            f"--user-data-dir={case.directory / name}",
            f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE {case.host}",
        ]
        options = {"args": arguments}
        always = {"acceptInsecureCerts": True, "goog:chromeOptions": options}
        session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": always}})
        self._session = f"/session/{session['sessionId']}"
        case.at_the_end(self._ask, "DELETE", self._session)
        self.resize(DESK)

    def open(self, place):
        """Goes to `place`, and wherever that leads."""
        self._do("POST", "/url", {"url": place})

    @property
    def place(self):
        """What stands in the address line."""
        return self._do("GET", "/url")

    @property
    def title(self):
        """What stands above the page."""
        return self._do("GET", "/title")

    @property
    def text(self):
        """What can be read on the page."""
        return self.run("return document.body.innerText")

    def press(self, words):
        """Clicks on the button or link that says `words`, and waits for the page that it leads to."""
        self.run("window.isLeft = true")
        xpath = f"//*[self::a or self::button][contains(., '{words}')]"
        found = self._do("POST", "/element", {"using": "xpath", "value": xpath})
        self._do("POST", f"/element/{next(iter(found.values()))}/click", {})
        self.comes_to("return !window.isLeft && document.readyState === 'complete'", f"the page behind `{words}`")

    def comes_to(self, script, what):
        """Waits until `script` says yes. Between two pages nothing does."""

        def is_so():
            try:
                return self.run(script)
            except AssertionError:
                return False

        until(is_so, what, 30)

    def run(self, script, *arguments):
        """What `script` returns in the page; a promise is waited for."""
        return self._do("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def cookies(self):
        """Those of the page that is open, by name."""
        return {cookie["name"]: cookie for cookie in self._do("GET", "/cookie")}

    def tab(self):
        """Opens another tab, looks at it, and returns a word for `look_at`."""
        handle = self._do("POST", "/window/new", {"type": "tab"})["handle"]
        self.look_at(handle)
        return handle

    def tabs(self):
        """All of them."""
        return self._do("GET", "/window/handles")

    @property
    def looked_at(self):
        """The tab that is looked at."""
        return self._do("GET", "/window")

    def look_at(self, handle):
        """Looks at a tab."""
        self._do("POST", "/window", {"handle": handle})

    def resize(self, size):
        """Gives the page a width and a height, in CSS pixels: a window on the desk is never as narrow as a phone."""
        self._cdp(
            "Emulation.setDeviceMetricsOverride",
            {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600},
        )

    def prefer(self, scheme):
        """`light` or `dark`."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._cdp("Emulation.setEmulatedMedia", {"features": features})

    def picture(self, name):
        """What is seen, kept under target/interop/screenshots after the test: at the desk and on a phone, by day and by night."""
        folder = self._case.directory.parents[1] / "screenshots"
        folder.mkdir(exist_ok=True)
        for width, size in (("desk", DESK), ("phone", PHONE)):
            self.resize(size)
            for scheme in ("light", "dark"):
                self.prefer(scheme)
                (folder / f"{name}-{width}-{scheme}.png").write_bytes(b64decode(self._do("GET", "/screenshot")))
            # Nothing sticks out where the reader would have to push the page about.
            wide, room = self.run("return [document.documentElement.scrollWidth, innerWidth]")
            assert wide <= room, f"{name} is {wide} wide on {size[0]}"
        self.resize(DESK)
        self.prefer("light")

    def _cdp(self, command, parameters):
        self._do("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def _do(self, method, path, body=None):
        return self._ask(method, self._session + path, body)

    def _ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._driver + path, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise AssertionError(f"{method} {path}: {value['error']}: {value['message']}") from None
