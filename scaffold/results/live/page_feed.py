"""The newest page of a report, made anew when its workspace has changed, and whoever waits for a newer one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from scaffold.errors import ScaffoldError

# making the page may take this part of the time: a report of ten thousand runs must not keep a processor busy
BUSY_PART = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class PageVersion:
    """A page, and its number: 1 is the first."""

    number: int
    html: bytes


class ReportPageFeed:
    """Keeps the newest page. One thread looks for changes (`run`), any number may ask for the page or wait for a newer one."""

    def __init__(
        self,
        render: Callable[[int], bytes],
        mark: Callable[[], Hashable],
        *,
        interval_s: float = 1.0,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`render` makes the page of a number, `mark` differs where something changed. Raises ScaffoldError where no page can be made."""
        self._render = render
        self._mark = mark
        self._interval_s = interval_s
        self._warn = warn
        self._is_closed = False
        self._news = threading.Condition()
        self._seen = mark()
        self._page = PageVersion(number=1, html=render(1))

    @property
    def page(self) -> PageVersion:
        """The newest page."""
        return self._page

    def wait_for_other(self, number: int, seconds: float) -> PageVersion | None:
        """A page that is not the one of `number`, after at most so many seconds; None where there is none, or the feed is closed."""
        with self._news:
            self._news.wait_for(lambda: self._is_closed or self._page.number != number, seconds)
            return None if self._is_closed or self._page.number == number else self._page

    @property
    def is_closed(self) -> bool:
        """Whether no newer page will come."""
        return self._is_closed

    def run(self) -> None:
        """Look for changes until the feed is closed."""
        pause = self._interval_s
        while not self._wait(pause):
            began = time.monotonic()
            self.look()
            pause = max(self._interval_s, (time.monotonic() - began) / BUSY_PART)

    def look(self) -> None:
        """Make the page anew where something has changed. Where that fails the page stays as it is, which is said."""
        try:
            mark = self._mark()
            if mark == self._seen:
                return
            # what changes while the page is made is seen the next time
            number = self._page.number + 1
            page = PageVersion(number=number, html=self._render(number))
            self._seen = mark
        except (ScaffoldError, OSError) as error:
            self._warn(f"the page is as it was: {error}")
            return
        with self._news:
            self._page = page
            self._news.notify_all()

    def close(self) -> None:
        """End `run`, and let go of everybody who waits."""
        with self._news:
            self._is_closed = True
            self._news.notify_all()

    def _wait(self, seconds: float) -> bool:
        """Whether the feed was closed within so many seconds."""
        limit = time.monotonic() + seconds
        with self._news:
            while not self._is_closed and (left := limit - time.monotonic()) > 0:
                self._news.wait(left)
            return self._is_closed
