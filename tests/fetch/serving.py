"""A server on loopback that answers each request as it is told, well or badly, and notes what it was asked."""

from __future__ import annotations

import io
import ssl
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

from repro.fetch.server import Patience

Answer = Callable[["Handler"], None]


def weight_file(seed: int, size: int = 200_000) -> bytes:
    """A zip archive, as torch.save writes one, with noise in it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("archive/data/0"), Random(seed).randbytes(size))
    return stream.getvalue()


class Handler(BaseHTTPRequestHandler):
    """One request; the server's next answer is given."""

    server: Served

    def do_GET(self) -> None:
        self.server.asked.append(dict(self.headers))
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        with suppress(BrokenPipeError, ConnectionResetError):
            answer(self)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


class Served(ThreadingHTTPServer):
    """The server: answers in their order, the last again and again."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.asked: list[dict[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/a.pth"

    def handle_error(self, *_: object) -> None:
        """A client that goes away is part of the play."""


@contextmanager
def served(certificate: Path | None = None) -> Iterator[Served]:
    """A running server, over TLS with a certificate of nobody's where one is given."""
    server = Served()
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.url = server.url.replace("http:", "https:")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def send(handler: Handler, body: bytes, *, status: int = 200, length: int | None = None, **headers: str) -> None:
    """An answer with a body and a Content-Length, its own or another; -1: none."""
    handler.send_response(status)
    if length != -1:
        handler.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def whole(body: bytes, etag: str = '"one"') -> Answer:
    """A server as it should be: ranges, an ETag, If-Range."""

    def answer(handler: Handler) -> None:
        span, mark = handler.headers.get("Range", ""), handler.headers.get("If-Range", "")
        if span and mark == etag:
            start = int(span.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                send(handler, b"", status=416)
                return
            about = f"bytes {start}-{len(body) - 1}/{len(body)}"
            send(handler, body[start:], status=206, ETag=etag, Content_Range=about)
        else:
            send(handler, body, ETag=etag)

    return answer


def cut(body: bytes, at: int, **headers: str) -> Answer:
    """The first bytes, with the length of all, and no more."""
    return lambda handler: send(handler, body[:at], length=len(body), **headers)


def status(code: int, **headers: str) -> Answer:
    """An answer without a file."""
    return lambda handler: send(handler, b"no", status=code, **headers)


def page(text: str) -> Answer:
    """An HTML page with 200 OK in place of a file."""
    body = f"<!DOCTYPE html><html><head>{text}</head><body>{' ' * 3000}</body></html>".encode()
    return lambda handler: send(handler, body, Content_Type="text/html; charset=utf-8")


def hang(body: bytes, at: int, until: threading.Event) -> Answer:
    """The first bytes, then nothing while the line stays open."""

    def answer(handler: Handler) -> None:
        send(handler, body[:at], length=len(body), ETag='"one"')
        handler.wfile.flush()
        until.wait(20)

    return answer


def patience(waits: list[float] | None = None) -> Patience:
    """Little of it, and no time lost between tries; `waits` hears how long it would have been."""
    return Patience(connect=2.0, stall=0.3, tries=4, first_wait=1.0, sleep=(waits if waits is not None else []).append)
