"""Waiting for an event, with a deadline. Nothing here sleeps in place of knowing."""

import time


class Late(AssertionError):
    """The event did not come in time."""


def until(event, what, seconds=10.0):
    """Asks `event` again and again until it answers with something true, and returns that.

    `what` completes the sentence "waited in vain for …". An exception that `event` raises is raised.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = event()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Late(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.01)
