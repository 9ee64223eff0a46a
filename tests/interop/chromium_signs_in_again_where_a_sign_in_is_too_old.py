"""Who signed in a while ago is asked again where a rule wants it, once, and is back where they were going; who may not come in at all is not asked."""

from support.chromium import Browser
from support.demo import Demo
from support.wait import until


def test(case):
    demo = Demo(case)
    browser = Browser(case)
    browser.open(f"{demo.edge}/till")
    browser.press("Alice")
    assert "pieces of gold" in browser.text, browser.text

    def is_asked():
        browser.open(f"{demo.edge}/till")
        return browser.place.startswith(f"{demo.provider}/authorize?")

    # The rule's 20 seconds.
    until(is_asked, "her sign-in to be too old", 60)
    # For what the rule is not about she is still signed in.
    browser.open(f"{demo.edge}/orders/7")
    assert '"user":"alice"' in browser.text, browser.text
    browser.open(f"{demo.edge}/till?drawer=2")
    assert "prompt=login" in browser.place, browser.place
    browser.press("Alice")
    assert browser.place == f"{demo.edge}/till?drawer=2", browser.place
    assert "pieces of gold" in browser.text, browser.text

    bob = Browser(case, "bob")
    bob.open(f"{demo.edge}/till")
    bob.press("Bob")
    assert bob.place == f"{demo.edge}/till", bob.place
    assert "the-till-is-for-ops" in bob.text, bob.text
