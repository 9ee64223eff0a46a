"""A deep link leads through the provider and back; all tabs are in one session, which no script sees; out is out everywhere."""

from support.chromium import Browser
from support.demo import Demo


def test(case):
    demo = Demo(case)
    browser = Browser(case)
    first = browser.looked_at

    browser.open(f"{demo.edge}/orders/7?x=1")
    assert browser.place.startswith(f"{demo.provider}/authorize?"), browser.place
    assert "no password" in browser.text, browser.text
    browser.picture("provider-sign-in")
    browser.press("Alice")
    assert browser.place == f"{demo.edge}/orders/7?x=1", browser.place
    assert '"user":"alice"' in browser.text, browser.text

    cookies = browser.cookies()
    session = cookies["__Host-portreeve-session"]
    flags = {name: session[name] for name in ("httpOnly", "secure", "sameSite", "path", "domain")}
    assert flags == {"httpOnly": True, "secure": True, "sameSite": "Lax", "path": "/", "domain": "localhost"}, session
    assert "expiry" not in session, "it outlives the browser"
    assert not any(name.startswith("__Host-portreeve-login") for name in cookies), cookies
    assert "portreeve" not in browser.run("return document.cookie"), "a script sees it"

    browser.open(f"{demo.edge}/.portreeve/")
    for words in ("dev/alice", "Alice Archer", "eng", "ops"):
        assert words in browser.text, browser.text
    browser.picture("me")
    browser.open(f"{demo.edge}/")
    assert browser.run("return document.getElementById('user').textContent") == "alice"
    browser.picture("shop")

    # Another tab is signed in, too, and signs out for both.
    second = browser.tab()
    browser.open(f"{demo.edge}/.portreeve/sign-out")
    browser.picture("sign-out")
    browser.press("Sign out")
    # By way of the provider, which it is not asked to wait for.
    browser.comes_to("return !document.body.innerText.includes('go on here')", "the provider to be told")
    assert "signed out" in browser.title.lower(), browser.title
    assert "__Host-portreeve-session" not in browser.cookies(), browser.cookies()
    browser.picture("signed-out")
    browser.look_at(first)
    status = browser.run("return fetch('/orders/7').then((answer) => answer.status)")
    assert status == 401, f"a script's request is answered with {status}"
    browser.open(f"{demo.edge}/orders/7")
    # Out at the provider, too: it asks again who is there.
    assert browser.place.startswith(f"{demo.provider}/authorize?"), browser.place
    browser.look_at(second)
    browser.open(f"{demo.edge}/.portreeve/")
    assert "not signed in" in browser.title.lower(), browser.title
    browser.picture("nobody")
    record = demo.record(path="/orders/7", caller="dev/alice", decision="permit")
    assert record["door"] == "edge" and record["session"], record
