"""Who is denied sees the rule and whom to ask, is not sent round in circles, and is let in once the provider says so."""

from support.chromium import Browser
from support.demo import Demo
from support.wait import until


def test(case):
    demo = Demo(case)
    browser = Browser(case)
    browser.open(f"{demo.edge}/orders/7")
    browser.press("Bob")
    assert browser.place == f"{demo.edge}/orders/7", browser.place
    for words in ("orders-are-for-eng", "alice@demo.example", "put into eng"):
        assert words in browser.text, browser.text
    browser.picture("denied")
    record = demo.record(path="/orders/7", caller="dev/bob")
    assert (record["decision"], record["status"]) == ("deny", 403), record
    assert record["id"] in browser.text, browser.text

    # A script of the application gets the same answer in a form that it can read.
    browser.open(f"{demo.edge}/")
    answer = browser.run(
        "return fetch('/orders/7').then(async (answer) => [answer.status, answer.headers.get('content-type')])"
    )
    assert answer == [403, "application/problem+json"], answer

    browser.open(demo.provider)
    browser.picture("provider")
    browser.press("Put bob into eng")

    def let_in():
        browser.open(f"{demo.edge}/orders/7")
        return '"user":"bob"' in browser.text

    until(let_in, "bob to be let in", 60)
    browser.open(f"{demo.edge}/.portreeve/no-such-place")
    browser.picture("nothing-here")
