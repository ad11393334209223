"""What a server answers: over http(s) only, redirects followed by hand, every fault told apart as passing or final.

Differs: urllib follows a redirect to ftp, keeps one timeout for all and opens file:// too; here none of that.
"""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar
from typing import Any, NoReturn
from urllib.parse import urljoin, urlsplit

from repro.errors import DataMissing

BLOCK = 1 << 20  # bytes read at once
AGENT = "repro-ns"
PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers after which the same question may do better
MOVED = (301, 302, 303, 307, 308)
HOPS = 10  # redirects one after the other


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for, and how often it is asked again."""

    connect: float = 20.0  # seconds until it answers
    stall: float = 60.0  # seconds without a byte
    tries: int = 6  # in a row that bring nothing
    first_wait: float = 1.0  # seconds before the second try; doubled each time
    longest_wait: float = 60.0  # seconds
    sleep: Callable[[float], None] = time.sleep


class Passing(Exception):
    """A fault that may be gone at the next try, after `wait` seconds where the server says so."""

    def __init__(self, reason: str, *, wait: float | None = None, is_afresh: bool = False) -> None:
        super().__init__(reason)
        self.wait, self.is_afresh = wait, is_afresh  # afresh: what is here already is of no use


class Answer:
    """An opened answer: its status, its headers and its bytes."""

    def __init__(self, response: Any, url: str, patience: Patience) -> None:
        self.response, self.url, self.patience = response, url, patience
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers

    def blocks(self) -> Iterator[bytes]:
        """Its bytes as they come; raises `Passing` where they stop coming."""
        while True:
            try:
                block = self.response.read1(BLOCK)
            except TimeoutError:
                raise Passing(f"no byte came in {self.patience.stall:g} s") from None
            except (OSError, http.client.HTTPException) as error:
                raise Passing(f"the connection broke ({_worded(error)})") from None
            if not block:
                return
            yield block


def ask(name: str, url: str, headers: Mapping[str, str], patience: Patience) -> Answer:
    """Open an address, following redirects to http(s).

    Raises `Passing` for what may be gone at the next try, and `DataMissing` for what will not.
    """
    opener, place = _opener(patience), url
    for _ in range(HOPS + 1):
        _check_scheme(name, url, place)
        request = urllib.request.Request(place, headers={"User-Agent": AGENT, "Accept-Encoding": "identity", **headers})
        try:
            return Answer(opener.open(request, timeout=patience.connect), place, patience)
        except urllib.error.HTTPError as error:
            with error:
                place = _moved(name, url, place, error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            _fail(name, url, error, patience)
    raise DataMissing(f"{name}: {url}: it redirects more than {HOPS} times; open it in a browser to see where it leads")


def _check_scheme(name: str, url: str, place: str) -> None:
    try:
        before, now = urlsplit(url), urlsplit(place)
    except ValueError as error:
        raise DataMissing(f"{name}: {url}: {place} is no address ({error}); nothing was fetched") from error
    if now.scheme not in ("http", "https") or not now.hostname:
        how = "expected an address of http or https" if place == url else "it redirects to what is not http or https"
        raise DataMissing(f"{name}: {url}: {how}, found {place}; nothing was fetched")
    if before.scheme == "https" and now.scheme == "http":
        raise DataMissing(f"{name}: {url}: it redirects from https to plain http ({place}); nothing was fetched")


def _moved(name: str, url: str, place: str, error: urllib.error.HTTPError) -> str:
    """Where an answer sends us; raises for every other answer that is not the file."""
    location = error.headers.get("Location") if error.headers else None
    if error.code in MOVED and location:
        try:
            return urljoin(place, location)
        except ValueError:
            return location
    at = "" if place == url else f" (redirected to {place})"
    if error.code == 416:
        raise Passing("the file there is shorter than what is here", wait=0.0, is_afresh=True)
    if error.code in PASSING:
        raise Passing(f"the server answered {error.code} {error.reason}{at}", wait=_asked_wait(error))
    advice = {
        401: "it asks for a password",
        403: "it is not given to everybody",
        404: "it is not there (any more)",
        410: "it was taken away",
    }.get(error.code, "it does not give the file")
    raise DataMissing(
        f"{name}: {url}: the server answered {error.code} {error.reason}{at}: {advice}; open the address in a browser, "
        "or name a copy with --mirror"
    )


def _asked_wait(error: urllib.error.HTTPError) -> float | None:
    text = error.headers.get("Retry-After", "") if error.headers else ""
    return float(text) if text.isdecimal() else None


def _fail(name: str, url: str, error: Exception, patience: Patience) -> NoReturn:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLError):
        words = getattr(reason, "verify_message", "") or reason.reason or str(reason)
        raise DataMissing(
            f"{name}: {url}: no secure connection to {urlsplit(url).hostname}: {words}; nothing was fetched; "
            "see that the clock is right, and that SSL_CERT_FILE names the certificates that your network asks for"
        ) from error
    if isinstance(reason, (ValueError, http.client.InvalidURL)):
        raise DataMissing(
            f"{name}: {url}: not an address that can be opened ({reason}); nothing was fetched"
        ) from error
    if isinstance(reason, TimeoutError):
        seconds = patience.stall if reason is error else patience.connect
        raise Passing(f"no answer in {seconds:g} s") from error
    raise Passing(f"no connection ({_worded(reason)})") from error


def _worded(error: object) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()


def _opener(patience: Patience) -> urllib.request.OpenerDirector:
    """An opener of http and https alone, which heeds the proxies of the environment."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        _Http(patience.stall),
        _Https(patience.stall),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPCookieProcessor(CookieJar()),
    ):
        opener.add_handler(handler)
    return opener


@cache
def _trust() -> ssl.SSLContext:
    """The system's certificates, which take a while to read."""
    return ssl.create_default_context()


class _Http(urllib.request.HTTPHandler):
    """Inherits as urllib asks for it: once a connection stands, another timeout holds."""

    def __init__(self, stall: float) -> None:
        super().__init__()
        self.stall = stall

    def http_open(self, request: urllib.request.Request) -> Any:
        stall = self.stall

        class Line(http.client.HTTPConnection):
            def connect(self) -> None:
                super().connect()
                self.sock.settimeout(stall)

        return self.do_open(Line, request)


class _Https(urllib.request.HTTPSHandler):
    """The same over TLS, with the system's certificates."""

    def __init__(self, stall: float) -> None:
        self.stall, self.trust = stall, _trust()
        super().__init__(context=self.trust)

    def https_open(self, request: urllib.request.Request) -> Any:
        stall = self.stall

        class Line(http.client.HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                self.sock.settimeout(stall)

        return self.do_open(Line, request, context=self.trust)
