"""A server that misbehaves in every way we met: what comes is whole and right, or a sentence says what is wrong."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from repro.errors import DataMissing, StoreError
from repro.fetch import part
from repro.fetch.http import Got, Wanted, fetch
from tests.conftest import CHECKOUT
from tests.fetch import serving
from tests.fetch.serving import Served, cut, page, patience, send, status, whole

BODY = serving.weight_file(1)
OTHER = serving.weight_file(2)
SHA, OTHER_SHA = (hashlib.sha256(body).hexdigest() for body in (BODY, OTHER))
KINDS = ("zip", "pickle", "safetensors")
BY_HAND = "hand it over: repro checkpoints fetch a --from FILE"


def _wanted(url: str, **more: Any) -> Wanted:
    known = {"bytes": None, "hash": None, "hash_by": "none", "kinds": KINDS, "by_hand": BY_HAND, **more}
    return Wanted("a", url, **known)


def _fetch(server: Served, folder: Path, *answers: serving.Answer, notes: list[str] | None = None, **more: Any) -> Got:
    server.answers = list(answers)
    says = notes.append if notes is not None else None
    return fetch(_wanted(server.url, **more), folder / "a.pth", note=says, patience=patience())


def _refused(server: Served, folder: Path, *answers: serving.Answer, **more: Any) -> str:
    with pytest.raises(DataMissing) as caught:
        _fetch(server, folder, *answers, **more)
    assert not (folder / "a.pth").exists()
    return str(caught.value).replace(server.url, "URL")


def _left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_comes_whole_and_nothing_else_stays(server: Served, tmp_path: Path) -> None:
    heard: list[tuple[int, int | None]] = []
    server.answers = [whole(BODY)]
    got = fetch(_wanted(server.url), tmp_path / "new" / "a.pth", progress=lambda *far: heard.append(far))
    assert got == Got(tmp_path / "new" / "a.pth", len(BODY), SHA)
    assert got.path.read_bytes() == BODY
    assert _left(tmp_path / "new") == {"a.pth"}
    assert heard[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)


@pytest.mark.parametrize("hash", [f"sha256:{SHA}", f"sha256-prefix:{SHA[:8]}", f"md5:{hashlib.md5(BODY).hexdigest()}"])
def test_a_known_hash_is_checked(server: Served, tmp_path: Path, hash: str) -> None:
    assert _fetch(server, tmp_path, whole(BODY), hash=hash, hash_by="authors", bytes=len(BODY)).sha256 == SHA


def test_what_is_there_is_checked_and_not_fetched(server: Served, tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(BODY)
    assert _fetch(server, tmp_path, status(500), hash=f"sha256:{SHA}").sha256 == SHA
    assert server.asked == []
    (tmp_path / "a.pth").write_bytes(OTHER)
    with pytest.raises(DataMissing) as caught:
        _fetch(server, tmp_path, status(500), hash=f"sha256:{SHA}", hash_by="authors")
    assert str(caught.value) == (
        f"a: {tmp_path / 'a.pth'}: expected sha256 {SHA} (published by its authors), found {len(OTHER):,} bytes with "
        f"sha256 {OTHER_SHA}: the file was altered or replaced; move it away to fetch it again"
    )
    assert (tmp_path / "a.pth").read_bytes() == OTHER


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (404, "404 Not Found: it is not there (any more)"),
        (403, "403 Forbidden: it is not given to everybody"),
        (401, "401 Unauthorized: it asks for a password"),
        (410, "410 Gone: it was taken away"),
        (418, "418 I'm a Teapot: it does not give the file"),
    ],
)
def test_an_answer_that_will_not_change_is_told_at_once(server: Served, tmp_path: Path, code: int, words: str) -> None:
    assert _refused(server, tmp_path, status(code)).replace("a teapot", "a Teapot") == (
        f"a: URL: the server answered {words}; open the address in a browser, or name a copy with --mirror"
    )
    assert len(server.asked) == 1
    assert _left(tmp_path) == set()


def test_500_and_429_then_fine(server: Served, tmp_path: Path) -> None:
    notes: list[str] = []
    waits: list[float] = []
    server.answers = [status(500), status(503), status(429, Retry_After="7"), whole(BODY)]
    got = fetch(_wanted(server.url), tmp_path / "a.pth", note=notes.append, patience=patience(waits))
    assert got.sha256 == SHA
    assert waits == [1.0, 2.0, 7.0]
    assert notes == [
        "a: the server answered 500 Internal Server Error; 0 bytes are here; again in 1 s",
        "a: the server answered 503 Service Unavailable; 0 bytes are here; again in 2 s",
        "a: the server answered 429 Too Many Requests; 0 bytes are here; again in 7 s",
    ]


def test_500_for_ever(server: Served, tmp_path: Path) -> None:
    assert _refused(server, tmp_path, status(500), bytes=len(BODY), hash=f"sha256:{SHA}", hash_by="ours") == (
        f"a: URL: expected {len(BODY):,} bytes with sha256 {SHA} (recorded here at its first download), given up after "
        "4 tries: the server answered 500 Internal Server Error; nothing came; or get it another way and " + BY_HAND
    )
    assert len(server.asked) == 4


def test_half_then_the_rest_alone(server: Served, tmp_path: Path) -> None:
    notes: list[str] = []
    half = len(BODY) // 2
    assert _fetch(server, tmp_path, cut(BODY, half, ETag='"one"'), whole(BODY), notes=notes).sha256 == SHA
    assert notes == [
        f"a: the connection ended after {half:,} of {len(BODY):,} bytes; {half:,} bytes are here; again in 1 s"
    ]
    assert server.asked[1]["Range"] == f"bytes={half}-"
    assert server.asked[1]["If-Range"] == '"one"'


def test_half_of_a_server_without_marks_starts_again(server: Served, tmp_path: Path) -> None:
    assert _fetch(server, tmp_path, cut(BODY, 5000), whole(BODY)).sha256 == SHA
    assert "Range" not in server.asked[1]


def test_a_date_is_a_mark_and_a_weak_etag_is_none(server: Served, tmp_path: Path) -> None:
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    assert _fetch(server, tmp_path, cut(BODY, 5000, ETag='W/"x"', Last_Modified=date), whole(BODY)).sha256 == SHA
    assert server.asked[1]["If-Range"] == date


def test_a_server_that_ignores_ranges_is_taken_from_the_start(server: Served, tmp_path: Path) -> None:
    def ignorant(handler: serving.Handler) -> None:
        send(handler, BODY)

    assert _fetch(server, tmp_path, cut(BODY, 5000, ETag='"one"'), ignorant).sha256 == SHA


def test_a_file_that_changes_between_two_tries_is_never_mixed(server: Served, tmp_path: Path) -> None:
    assert _fetch(server, tmp_path, cut(BODY, 5000, ETag='"one"'), whole(OTHER, '"two"')).sha256 == OTHER_SHA

    def deaf(handler: serving.Handler) -> None:  # heeds Range, not If-Range
        about = f"bytes 5000-{len(OTHER) - 1}/{len(OTHER)}"
        send(handler, OTHER[5000:], status=206, ETag='"two"', Content_Range=about)

    (tmp_path / "a.pth").unlink()
    got = _fetch(server, tmp_path, cut(BODY, 5000, ETag='"one"'), deaf, whole(OTHER, '"two"'))
    assert got.path.read_bytes() == OTHER


def test_a_mix_that_a_server_did_not_tell_of_is_found_by_its_hash(server: Served, tmp_path: Path) -> None:
    def lying(handler: serving.Handler) -> None:  # the file is another, the mark is the same
        about = f"bytes 5000-{len(OTHER) - 1}/{len(OTHER)}"
        send(handler, OTHER[5000:], status=206, ETag='"one"', Content_Range=about)

    notes: list[str] = []
    answers = cut(BODY, 5000, ETag='"one"'), lying, whole(OTHER)
    assert _fetch(server, tmp_path, *answers, notes=notes, hash=f"sha256:{OTHER_SHA}").sha256 == OTHER_SHA
    assert notes[-1] == "a: what was here does not fit the rest; from the start"


def test_a_shorter_file_than_what_is_here_starts_again(server: Served, tmp_path: Path) -> None:
    assert _fetch(server, tmp_path, cut(BODY, 5000, ETag='"one"'), status(416), whole(BODY)).sha256 == SHA
    assert "Range" not in server.asked[2]


def test_a_server_that_hangs_is_asked_for_the_rest(server: Served, tmp_path: Path) -> None:
    notes: list[str] = []
    done = threading.Event()
    try:
        got = _fetch(server, tmp_path, serving.hang(BODY, 5000, done), whole(BODY), notes=notes)
    finally:
        done.set()
    assert got.sha256 == SHA
    assert notes == ["a: no byte came in 0.3 s; 5,000 bytes are here; again in 1 s"]
    assert server.asked[1]["Range"] == "bytes=5000-"


def test_a_server_that_never_answers(server: Served, tmp_path: Path) -> None:
    done = threading.Event()
    try:
        told = _refused(server, tmp_path, lambda _: done.wait(20) and None)
    finally:
        done.set()
    assert told == (
        "a: URL: expected a file of unknown size and hash, given up after 4 tries: no answer in 0.3 s; nothing came; "
        "or get it another way and " + BY_HAND
    )


def test_a_slow_server_that_moves_is_waited_for(server: Served, tmp_path: Path) -> None:
    def slow(handler: serving.Handler) -> None:
        send(handler, b"", length=len(BODY))
        for start in range(0, len(BODY), 20_000):
            handler.wfile.write(BODY[start : start + 20_000])
            time.sleep(0.05)

    begun = time.monotonic()
    assert _fetch(server, tmp_path, slow).sha256 == SHA
    assert time.monotonic() - begun > 0.3  # longer than the stall that is allowed
    assert len(server.asked) == 1


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(DataMissing) as caught:
        fetch(_wanted("http://127.0.0.1:1/a.pth"), tmp_path / "a.pth", patience=patience())
    assert str(caught.value) == (
        "a: http://127.0.0.1:1/a.pth: expected a file of unknown size and hash, given up after 4 tries: no connection "
        "(Connection refused); nothing came; or get it another way and " + BY_HAND
    )


def test_always_cut_is_kept_for_the_next_command(server: Served, tmp_path: Path) -> None:
    assert _refused(server, tmp_path, cut(BODY, 5000, ETag='"one"')) == (
        "a: URL: expected a file of unknown size and hash, given up after 4 tries: the connection ended after 5,000 "
        f"of {len(BODY):,} bytes; 5,000 bytes are kept, and the same command goes on from there; or get it another way "
        "and " + BY_HAND
    )
    assert _left(tmp_path) == {"a.pth.part", "a.pth.part.json"}
    server.asked.clear()
    assert _fetch(server, tmp_path, whole(BODY)).sha256 == SHA
    assert server.asked[0]["Range"] == "bytes=5000-"
    assert _left(tmp_path) == {"a.pth"}


def test_a_part_of_another_address_is_of_no_use(server: Served, tmp_path: Path) -> None:
    _refused(server, tmp_path, cut(OTHER, 5000, ETag='"one"'))
    server.url = server.url.replace("a.pth", "b.pth")
    assert _fetch(server, tmp_path, whole(BODY)).sha256 == SHA


def test_whole_but_for_the_check_asks_nothing(server: Served, tmp_path: Path) -> None:
    _refused(server, tmp_path, cut(BODY, 5000, ETag='"one"'))
    (tmp_path / "a.pth.part").write_bytes(BODY)
    server.asked.clear()
    assert _fetch(server, tmp_path, status(500)).sha256 == SHA
    assert server.asked == []


def test_truncated_with_a_length_that_fits(server: Served, tmp_path: Path) -> None:
    short = BODY[:-50_000]
    assert _refused(server, tmp_path, whole(short), bytes=len(BODY)) == (
        f"a: URL: expected {len(BODY):,} bytes, the server offers {len(short):,} bytes; it is another file and nothing "
        "was fetched; get it another way and " + BY_HAND
    )
    sha = hashlib.sha256(short).hexdigest()
    nothing_known = (
        f"a: URL: expected a file of unknown size and hash, found {len(short):,} bytes with sha256 {sha}: the file is "
        "cut; it is not kept; get it another way and " + BY_HAND
    )
    assert _refused(server, tmp_path, whole(short)) == nothing_known  # a zip archive without its end
    assert _refused(server, tmp_path, lambda handler: send(handler, short, length=-1)) == nothing_known
    told = _refused(server, tmp_path, lambda handler: send(handler, short, length=-1), bytes=len(BODY))
    assert told == nothing_known.replace("a file of unknown size and hash", f"{len(BODY):,} bytes")
    assert _left(tmp_path) == set()


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (
            "<title>Google Drive - Quota exceeded</title>",
            "the page that its download quota is used up; try again in a day, or copy it to a Drive of your own, "
            f"download it from there and {BY_HAND}",
        ),
        (
            "<title>Google Drive - Virus scan warning</title>",
            f"the page that it was not scanned for viruses; download it in a browser and {BY_HAND}",
        ),
        (
            "<base href='https://accounts.google.com/v3/signin/x'>",
            f"a page that asks to sign in; download it in a browser and {BY_HAND}",
        ),
        (
            "<title>\n Old&amp;gone\x1b[31m </title>",
            'an HTML page titled "Old&gone\x1b[31m"; open the address in a browser; where the file is there, download '
            f"it and {BY_HAND}",
        ),
        (
            "",
            "an HTML page; open the address in a browser; where the file is there, download it and " + BY_HAND,
        ),
    ],
)
def test_a_page_in_place_of_a_file(server: Served, tmp_path: Path, head: str, words: str) -> None:
    told = _refused(server, tmp_path, page(head), hash="md5-prefix:59fd9945", hash_by="authors")
    assert told == f"a: URL: expected md5 59fd9945... (published by its authors), found {words}"
    assert _left(tmp_path) == set()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "an empty file"),
        (b"\x1f\x8b" + 2000 * b"x", "a gzip file"),
        (b"version https://git-lfs", "a file of no known kind (it begins with 76 65 72 73 69 6f 6e 20)"),
    ],
)
def test_a_file_of_another_kind_is_not_fetched(server: Served, tmp_path: Path, body: bytes, found: str) -> None:
    assert _refused(server, tmp_path, whole(body)) == (
        f"a: URL: expected a zip archive or a pickle or a safetensors file, found {found}; nothing is kept; look at "
        f"the address, or get it another way and {BY_HAND}"
    )


def test_an_altered_file_names_both_hashes(server: Served, tmp_path: Path) -> None:
    md5 = hashlib.md5(OTHER).hexdigest()
    accept = "or take it as it is: --accept-digest sha256:{sha256}"
    told = _refused(server, tmp_path, whole(OTHER), hash="md5-prefix:59fd9945", hash_by="authors", accept=accept)
    assert told == (
        f"a: URL: expected md5 59fd9945... (published by its authors), found {len(OTHER):,} bytes with md5 {md5} and "
        f"sha256 {OTHER_SHA}: the file was altered or replaced; it is not kept; get it another way and {BY_HAND}; "
        f"or take it as it is: --accept-digest sha256:{OTHER_SHA}"
    )
    assert len(server.asked) == 1
    assert _left(tmp_path) == set()


def test_a_redirect_is_followed(server: Served, tmp_path: Path) -> None:
    assert _fetch(server, tmp_path, status(302, Location="/b.pth"), whole(BODY)).sha256 == SHA
    half = len(BODY) // 2
    (tmp_path / "a.pth").unlink()
    moved = status(307, Location="/b.pth")
    assert _fetch(server, tmp_path, moved, cut(BODY, half, ETag='"one"'), moved, whole(BODY)).sha256 == SHA
    assert server.asked[-1]["Range"] == f"bytes={half}-"


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("/a.pth", "it redirects more than 10 times; open it in a browser to see where it leads"),
        (
            "file:///etc/passwd",
            "it redirects to what is not http or https, found file:///etc/passwd; nothing was fetched",
        ),
        ("http://[/x", "http://[/x is no address (Invalid IPv6 URL); nothing was fetched"),
        ("ftp://a/b", "it redirects to what is not http or https, found ftp://a/b; nothing was fetched"),
    ],
)
def test_a_redirect_that_leads_nowhere(server: Served, tmp_path: Path, location: str, words: str) -> None:
    assert _refused(server, tmp_path, status(302, Location=location)) == f"a: URL: {words}"
    assert _left(tmp_path) == set()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file:///etc/passwd", "expected an address of http or https, found file:///etc/passwd; nothing was fetched"),
        ("http://[/x", "http://[/x is no address (Invalid IPv6 URL); nothing was fetched"),
        ("http://a b/x", "not an address that can be opened (URL can't contain control characters. 'a b' (found at "),
    ],
)
def test_an_address_that_is_none(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(DataMissing) as caught:
        fetch(_wanted(url), tmp_path / "a.pth", patience=patience())
    assert str(caught.value).startswith(f"a: {url}: {words}")


def test_a_certificate_of_nobody(tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificate")
    pem, key = tmp_path / "both.pem", tmp_path / "key.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout"
    subprocess.run(["openssl", *words.split(), key, "-out", pem], check=True, capture_output=True)
    pem.write_bytes(pem.read_bytes() + key.read_bytes())
    with serving.served(pem) as server:
        told = _refused(server, tmp_path, whole(BODY))
        assert told == (
            "a: URL: no secure connection to 127.0.0.1: self-signed certificate; nothing was fetched; see that the "
            "clock is right, and that SSL_CERT_FILE names the certificates that your network asks for"
        )


def test_https_never_leads_to_plain_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from repro.fetch import server

    with pytest.raises(DataMissing) as caught:
        server._check_scheme("a", "https://one/a", "http://two/a")
    assert str(caught.value) == (
        "a: https://one/a: it redirects from https to plain http (http://two/a); nothing was fetched"
    )


@pytest.mark.parametrize("how", ["option", "variable"])
def test_offline_asks_nothing(server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setenv("REPRO_OFFLINE", "1" if how == "variable" else "0")
    with pytest.raises(DataMissing) as caught:
        fetch(_wanted(server.url, by_hand=""), tmp_path / "a.pth", offline=how == "option")
    assert str(caught.value) == (
        f"a: {tmp_path / 'a.pth'} is not here, and nothing is downloaded offline (--offline or REPRO_OFFLINE); "
        f"get {server.url} where there is a network, then put it at {tmp_path / 'a.pth'}"
    )
    assert server.asked == []


def test_a_full_disk_is_told_before_the_download(
    server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 90, 10))
    with pytest.raises(StoreError) as caught:
        _fetch(server, tmp_path, whole(BODY))
    assert str(caught.value) == (
        f"{tmp_path / 'a.pth'}: {len(BODY):,} bytes more are needed and 10 are free in {tmp_path}; free some space, "
        "or name another folder with --weights"
    )
    assert _left(tmp_path) == set()


def test_a_disk_that_fills_up_on_the_way(server: Served, tmp_path: Path) -> None:
    code = f"""
        import resource, sys
        from pathlib import Path
        from repro.errors import StoreError
        from repro.fetch.http import Wanted, fetch
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            fetch(Wanted("a", {server.url!r}, None, None, "none"), Path({str(tmp_path)!r}) / "a.pth")
        except StoreError as error:
            print(error)
    """
    server.answers = [whole(BODY)]
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.stdout == f"{tmp_path / 'a.pth.part'}: File too large\n", done.stderr
    assert (tmp_path / "a.pth.part").stat().st_size == 100_000


def test_a_folder_that_cannot_be_written(server: Served, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError) as caught:
        fetch(_wanted(server.url), tmp_path / "file" / "a.pth")
    assert str(caught.value) == (
        f"{tmp_path / 'file' / 'a.pth.part'}: a folder was expected and a file is in the way; move it or name another "
        "folder with --weights"
    )
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "shut").mkdir(mode=0o500)
    with pytest.raises(StoreError, match=r"a\.pth\.part: no permission to write here; name another folder with --weig"):
        fetch(_wanted(server.url), tmp_path / "shut" / "a.pth")


def test_a_folder_where_the_file_belongs(server: Served, tmp_path: Path) -> None:
    (tmp_path / "a.pth").mkdir()
    with pytest.raises(StoreError) as caught:
        fetch(_wanted(server.url), tmp_path / "a.pth")
    assert str(caught.value) == (f"{tmp_path / 'a.pth'}: cannot be read (Is a directory); mend that or move it away")


def _child(server: Served, folder: Path) -> subprocess.Popen[str]:
    code = f"""
        from pathlib import Path
        from repro.fetch.http import Wanted, fetch
        wanted = Wanted("a", {server.url!r}, None, None, "none")
        got = fetch(wanted, Path({str(folder)!r}) / "a.pth", note=lambda line: print(line, flush=True))
        print(got.sha256)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)


def test_killed_in_the_middle_goes_on_from_there(server: Served, tmp_path: Path) -> None:
    done = threading.Event()
    server.answers = [serving.hang(BODY, 70_000, done)]
    child = _child(server, tmp_path)
    begun = tmp_path / "a.pth.part"
    while not (begun.exists() and begun.stat().st_size == 70_000):
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    done.set()
    assert _fetch(server, tmp_path, whole(BODY)).sha256 == SHA
    assert server.asked[1]["Range"] == "bytes=70000-"
    assert _left(tmp_path) == {"a.pth"}


def test_two_processes_fetch_once(server: Served, tmp_path: Path) -> None:
    go = threading.Event()

    def held(handler: serving.Handler) -> None:
        go.wait(20)
        whole(BODY)(handler)

    server.answers = [held]
    children = [_child(server, tmp_path) for _ in range(2)]
    waiting = "a.pth: another process is fetching it; waiting\n"
    lines: list[str] = []
    threads = [threading.Thread(target=lambda c=child: lines.extend(c.stdout)) for child in children]
    for thread in threads:
        thread.start()
    while waiting not in lines:
        assert all(child.poll() is None for child in children)
        time.sleep(0.01)
    go.set()
    for thread, child in zip(threads, children, strict=True):
        thread.join()
        child.communicate()
        assert child.returncode == 0
    assert sorted(lines) == sorted([waiting, f"{SHA}\n", f"{SHA}\n"])
    assert len(server.asked) == 1
    assert _left(tmp_path) == {"a.pth"}
