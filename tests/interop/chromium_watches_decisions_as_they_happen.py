"""The operator's page in a real browser: decisions, who calls whom and how the sidecar is, with nothing from elsewhere."""

from support.chromium import Browser
from support.curl import curl
from support.wait import until
from support.watched import Watched

LISTEN = "window.wrong = []; addEventListener('securitypolicyviolation', (event) => window.wrong.push(event.blockedURI)); addEventListener('error', (event) => window.wrong.push(event.message));"


def test(case):
    pair = Watched(case)
    pair.load(case)
    browser = Browser(case)
    browser.open(f"http://{pair.server.admin}/")
    browser.run(LISTEN)
    browser.comes_to("return document.querySelectorAll('#records li').length > 5", "decisions")
    browser.comes_to("return document.querySelectorAll('#pairs tr').length > 0", "who calls whom")
    browser.comes_to("return document.querySelectorAll('#graph path').length > 0", "the graph")
    for words in ("ready", "certificate", "policy", "inbound"):
        assert words in browser.text, browser.text

    # A filter, by keyboard alone.
    browser.run("document.querySelector('[name=decision]').value = 'deny'; document.querySelector('[name=path]').focus()")
    assert browser.run("return document.activeElement.name") == "path"
    browser.run("document.querySelector('[name=path]').value = '/s*'; document.querySelector('#filter').requestSubmit()")

    def denied():
        curl(f"http://{pair.entry}/secret")
        return browser.run("return document.querySelectorAll('#records li').length > 2")

    until(denied, "denials in the page", 30)
    decisions = browser.run("return [...document.querySelectorAll('#records b')].map((word) => word.textContent)")
    assert set(decisions) == {"deny"}, decisions
    browser.run("document.querySelector('#records summary').click()")
    browser.comes_to("return document.querySelector('#records pre')?.innerText.includes('nobody-reads-secrets')", "the whole record")
    browser.comes_to("return document.querySelectorAll('#graph path.deny').length > 0", "denials in the graph")
    browser.picture("window")
    browser.run("document.querySelector('#decisions').hidden = true")
    browser.picture("window-traffic")
    browser.run("document.querySelector('#decisions').hidden = false")

    # A filter that cannot be is explained.
    browser.run("document.querySelector('[name=status]').value = '4x'; document.querySelector('#filter').requestSubmit()")
    browser.comes_to("return document.querySelector('#told').innerText.includes('4xx')", "what is wrong with the filter")

    # Nothing came from elsewhere, and nothing was refused by the policy of the page.
    assert browser.run("return window.wrong") == []
    places = browser.run("return performance.getEntriesByType('resource').map((entry) => new URL(entry.name).host)")
    assert set(places) == {pair.server.admin}, places
