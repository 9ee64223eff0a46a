"""The operator's window, as a scraper or a probe asks it."""

import http.client


def ask(address, path):
    """Status and text of a page."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
