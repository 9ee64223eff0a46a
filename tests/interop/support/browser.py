"""A browser as far as signing in needs one: cookies, redirects and forms, and no more."""

import html.parser
import http.client
import http.cookiejar
import socket
import ssl
import urllib.parse
import urllib.request
from email.message import Message

MOST_REDIRECTS = 12


class Browser:
    """One person's. `status`, `page`, `url` and `headers` are those of what it shows now; `seen` is where it has been."""

    def __init__(self, names, roots):
        self._names = names
        self._tls = ssl.create_default_context(cafile=str(roots))
        self._jar = http.cookiejar.CookieJar()
        self.status = None
        self.page = ""
        self.url = None
        self.headers = {}
        self.seen = []
        # It goes nowhere whose URL begins so: `url` is where it would have gone.
        self.stops_before = None

    def visit(self, url, **headers):
        """Goes there as a person does, wherever it leads."""
        self.seen = []
        return self._navigate("GET", url, None, headers)

    def fetch(self, url, method="GET", body=None, **headers):
        """Asks as a script does: no redirect is followed, and no page is asked for."""
        fields = {"accept": "application/json", "sec-fetch-mode": "cors", "sec-fetch-site": "same-origin"}
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        return self._ask(method, url, body, fields)

    def submit(self, form=0, **fields):
        """Sends a form of the page, with these fields filled in; without a button that is None."""
        parser = _Forms()
        parser.feed(self.page)
        assert parser.forms, f"{self.url} has no form:\n{self.page[:2000]}"
        action, method, values = parser.forms[form]
        values = {name: value for name, value in {**values, **fields}.items() if value is not None}
        url = urllib.parse.urljoin(self.url, action)
        text = urllib.parse.urlencode(values)
        if method == "get":
            return self._navigate("GET", f"{url}?{text}", None, {})
        return self._navigate("POST", url, text, {})

    def cookies(self):
        """Names and values of all cookies."""
        return {cookie.name: cookie.value for cookie in self._jar}

    def cookie(self, name):
        """One cookie with its attributes."""
        return next(cookie for cookie in self._jar if cookie.name == name)

    def plant(self, name, value, like):
        """Puts a cookie where another one is."""
        other = self.cookie(like)
        planted = http.cookiejar.Cookie(**{**vars(other), "name": name, "value": value, "rest": other._rest, "rfc2109": False})
        self._jar.set_cookie(planted)

    def _navigate(self, method, url, body, headers):
        fields = {
            "accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
            "sec-fetch-mode": "navigate",
            "sec-fetch-dest": "document",
            **headers,
        }
        if method == "POST":
            parts = urllib.parse.urlsplit(self.url)
            fields["origin"] = f"{parts.scheme}://{parts.netloc}"
            fields["referer"] = self.url
            fields["content-type"] = "application/x-www-form-urlencoded"
        for _ in range(MOST_REDIRECTS):
            if self.stops_before is not None and url.startswith(self.stops_before):
                self.url, self.page = url, ""
                return self
            self._ask(method, url, body, fields)
            self.seen.append((self.status, url))
            place = self.headers.get("location")
            if self.status not in (301, 302, 303, 307) or place is None:
                refresh = self.headers.get("refresh", "")
                if not refresh.startswith("0; url="):
                    return self
                place = refresh.removeprefix("0; url=")
            url = urllib.parse.urljoin(url, place)
            if self.status != 307:
                method, body = "GET", None
                fields = {name: value for name, value in fields.items() if name not in ("origin", "referer", "content-type")}
        raise AssertionError(f"too many redirects: {self.seen}")

    def _ask(self, method, url, body, fields):
        parts = urllib.parse.urlsplit(url)
        where = self._names.get(parts.hostname, parts.netloc)
        if ":" in parts.netloc and parts.hostname in self._names:
            assert where.rsplit(":", 1)[1] == str(parts.port), f"{url} is not at {where}"
        connection = _Connection(parts.hostname, where, self._tls if parts.scheme == "https" else None)
        request = urllib.request.Request(url, method=method)
        self._jar.add_cookie_header(request)
        fields = dict(fields)
        if request.has_header("Cookie"):
            fields["cookie"] = request.get_header("Cookie")
        target = parts.path or "/"
        if parts.query:
            target += f"?{parts.query}"
        try:
            connection.request(method, target, body, {"host": parts.netloc, **fields})
            answer = connection.getresponse()
            self.page = answer.read().decode(errors="replace")
        finally:
            connection.close()
        self.status = answer.status
        self.url = url
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        self._jar.extract_cookies(_Answer(answer.getheaders()), request)
        return self


class _Answer:
    """What a cookie jar wants to see of an answer."""

    def __init__(self, headers):
        self._message = Message()
        for name, value in headers:
            self._message[name] = value

    def info(self):
        return self._message


class _Connection(http.client.HTTPConnection):
    """To where a name is, as the name's certificate says; in the clear without TLS."""

    def __init__(self, name, where, tls):
        host, port = where.rsplit(":", 1)
        super().__init__(host, int(port), timeout=20)
        self._name = name
        self._with = tls

    def connect(self):
        self.sock = socket.create_connection((self.host, self.port), self.timeout)
        if self._with is not None:
            self.sock = self._with.wrap_socket(self.sock, server_hostname=self._name)


class _Forms(html.parser.HTMLParser):
    """The forms of a page: action, method, and the values that their fields have."""

    def __init__(self):
        super().__init__()
        self.forms = []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append((attributes.get("action") or "", (attributes.get("method") or "get").lower(), {}))
        elif tag in ("input", "button") and self.forms and attributes.get("name"):
            self.forms[-1][2].setdefault(attributes["name"], attributes.get("value") or "")
