"""A page watches; its session ends elsewhere; the page is told 1008 without having asked. Another person's goes on."""

from support.chromium import Browser
from support.demo import Demo
from support.wait import until


def test(case):
    demo = Demo(case)
    alice, bob = Browser(case, "alice"), Browser(case, "bob")
    watch(demo, alice, "Alice")
    bob.open(demo.provider)
    bob.press("Put bob into eng")
    watch(demo, bob, "Bob")
    alice.picture("watching")

    provider = alice.tab()
    alice.open(demo.provider)
    alice.press("Sign alice out everywhere")
    watching = next(handle for handle in alice.tabs() if handle != provider)
    alice.look_at(watching)
    until(lambda: state(alice).startswith("cut off"), "the page to see the end", 20)
    assert state(alice).startswith("cut off: 1008"), state(alice)
    alice.picture("cut-off")
    record = demo.record(path="/orders/live", caller="dev/alice")
    assert (record["status"], record["upgrade"]) == (101, "websocket"), record
    assert state(bob) == "watching", state(bob)
    seen = lines(bob)
    until(lambda: lines(bob) != seen, "bob's next line", 20)


def watch(demo, browser, name):
    """Signs in, and waits for the first line."""
    browser.open(f"{demo.edge}/live")
    browser.press(name)
    until(lambda: lines(browser), f"{name}'s first line", 20)
    assert state(browser) == "watching", state(browser)


def state(browser):
    return browser.run("return document.getElementById('state').textContent")


def lines(browser):
    return browser.run("return document.getElementById('lines').innerText")
