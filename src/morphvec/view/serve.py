"""The server of the page: addresses, what they take, the port, the end. ``page.py`` has the answers."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from morphvec.errors import MissingExtraError, MorphvecError, OptionError, UnknownWordError
from morphvec.report import SILENT, Reporter
from morphvec.view.page import NotFound, PageModel

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from morphvec.view.guard import Guard, refusal
except ImportError as _error:
    raise MissingExtraError(
        f"{_error.name} is not installed",
        "the page needs the extra explore",
        "run: pip install 'morphvec[explore]'",
    ) from _error

HOST = "127.0.0.1"
PORT = 8421  # the first one tried
_TRIED = 20
LONGEST_WORD = 200  # characters
MOST = 200  # answers to one question
MOST_MAPPED = 5000  # words on a map
SIDES = ("a", "b")

# Our own list: what a machine says of a suffix is not to be relied on.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asked:
    """The parameters of a request, each read once with its limits.

    Raises OptionError for one that is missing, unreadable, out of range or not of this address.
    """

    def __init__(self, request: Request, names: Sequence[str]) -> None:
        self._given = request.query_params
        given = [name for name, _ in self._given.multi_items()]
        strange = [name for name in given if name not in names or given.count(name) > 1]
        if strange:
            raise OptionError(
                f"parameter {strange[0][:40]!r}",
                f"{request.url.path} takes {', '.join(names)}, each once",
                "leave it out",
            )

    def text(self, name: str, *, needed: bool = False) -> str:
        """A string of at most LONGEST_WORD characters, stripped; "" where it is left out and not needed."""
        value = self._given.get(name, "").strip()
        if len(value) > LONGEST_WORD:
            raise OptionError(
                f"{name}={value[:40] + '…'!r}",
                f"a word has at most {LONGEST_WORD} characters here",
                "ask for a shorter one",
            )
        if needed and not value:
            raise OptionError(f"{name} is missing", "it names a word", "give it")
        return value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number from low to high."""
        value = self._given.get(name)
        if value is None:
            return default
        digits = value.isascii() and value.isdigit() and len(value) < 12
        if not digits or not low <= int(value) <= high:
            raise OptionError(f"{name}={value[:40]!r}", f"it is a number from {low} to {high}", "mend it")
        return int(value)

    @property
    def filters(self) -> dict[str, Any]:
        """Which words may answer."""
        least = self.number("least", 0, 0, 10**9)
        return {"language": self.text("language"), "affix": self.text("class"), "least": least}


_FILTERS = ("language", "class", "least")
Answer = Callable[[PageModel, Asked], dict[str, Any]]
ANSWERS: Mapping[str, tuple[tuple[str, ...], Answer]] = {
    "suggest": (
        ("q", "n", "language"),
        lambda page, asked: page.suggest(
            asked.text("q"), asked.number("n", 8, 1, 50), asked.text("language")
        ),
    ),
    "beginnings": (("seed",), lambda page, asked: page.beginnings(asked.number("seed", 0, 0, 10**9))),
    "neighbors": (
        ("word", "n", "metric", *_FILTERS),
        lambda page, asked: page.neighbors(
            asked.text("word", needed=True),
            asked.number("n", 10, 1, MOST),
            metric=asked.text("metric") or "cosine",
            **asked.filters,
        ),
    ),
    "analogy": (
        ("a", "b", "c", "n", *_FILTERS),
        lambda page, asked: page.analogy(
            asked.text("a", needed=True),
            asked.text("b", needed=True),
            asked.text("c", needed=True),
            asked.number("n", 10, 1, MOST),
            **asked.filters,
        ),
    ),
    "similarity": (
        ("a", "b"),
        lambda page, asked: page.similarity(asked.text("a", needed=True), asked.text("b", needed=True)),
    ),
    "explain": (
        ("a", "b"),
        lambda page, asked: page.explain(asked.text("a", needed=True), asked.text("b", needed=True)),
    ),
    "map": (
        ("projection", "words", "language", "colour"),
        lambda page, asked: page.map(
            asked.text("projection") or "pca",
            asked.number("words", 1000, 1, MOST_MAPPED),
            asked.text("language"),
            asked.text("colour") or "auto",
        ),
    ),
}


_KINDS = {
    UnknownWordError: "word",
    MissingExtraError: "extra",
    OptionError: "request",
    MorphvecError: "model",
}


def _json(document: Mapping[str, Any], status: int = 200) -> Response:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    return Response(text, status, media_type="application/json")


def _refused(error: MorphvecError) -> Response:
    """A question that makes no sense is a bad request; one that the model cannot answer has that for an answer."""
    kind = next(name for sort, name in _KINDS.items() if isinstance(error, sort))
    more: dict[str, object] = {"instead": error.instead} if isinstance(error, NotFound) else {}
    status = 400 if kind == "request" else 200
    return refusal(status, error.value, error.rule, error.mend, {"kind": kind, **more})


def application(pages: Sequence[PageModel], port: int, reporter: Reporter = SILENT) -> Starlette:
    """The page of one or two models, to be served at a port of this machine."""
    by_side = dict(zip(SIDES, pages, strict=False))

    def api(names: tuple[str, ...], answer: Answer) -> Callable[[Request], Any]:
        def work(request: Request) -> dict[str, Any]:
            asked = Asked(request, ("model", *names))
            side = asked.text("model") or SIDES[0]
            if side not in by_side:
                raise OptionError(
                    f"model={side!r}", f"the models are {', '.join(by_side)}", "choose one of them"
                )
            return answer(by_side[side], asked)

        async def endpoint(request: Request) -> Response:
            try:
                return _json(await run_in_threadpool(work, request))
            except MorphvecError as error:
                return _refused(error)
            except Exception as error:  # the last door: the page says it, the server goes on
                text = f"{type(error).__name__}: {' '.join(str(error).split())}"
                reporter.warn(f"{request.url.path}: {text}; this is a bug in morphvec; please report it")
                return refusal(500, text, "this is a bug in morphvec", "please report it")

        return endpoint

    async def models(request: Request) -> Response:
        described = await run_in_threadpool(lambda: [page.describe() for page in pages])
        return _json({"models": [{"id": side, **one} for side, one in zip(by_side, described, strict=True)]})

    async def lost(request: Request, error: Exception) -> Response:
        if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/"):
            return static["404.html"](request, 404)
        return refusal(404, request.url.path[:80], "there is nothing at this address", "begin at /")

    for page in pages:  # the first question need not wait for what the second one needs
        threading.Thread(target=page.warm, daemon=True).start()
    static = _static()
    routes = [Route("/", static["index.html"])]
    routes += [Route(f"/static/{name}", asset) for name, asset in static.items()]
    routes += [Route("/api/models", models)]
    routes += [Route(f"/api/{name}", api(names, answer)) for name, (names, answer) in ANSWERS.items()]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, port=port)],
        exception_handlers={HTTPException: lost},
    )


def _static() -> dict[str, Callable[..., Response]]:
    """The files of the page, read once: name → what answers for it. No path is ever made of a request."""
    return {
        entry.name: _asset(entry.read_bytes(), _TYPES[entry.name[entry.name.rfind(".") :]])
        for entry in sorted(files("morphvec.view").joinpath("static").iterdir(), key=lambda one: one.name)
        if entry.is_file()
    }


def _asset(content: bytes, media_type: str) -> Callable[..., Response]:
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}  # kept by the browser, asked after each time

    def answer(request: Request, status: int = 200) -> Response:
        if status == 200 and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, status, headers=headers, media_type=media_type)

    return answer


def listen(port: int | None) -> socket.socket:
    """A listening socket at a port of the loopback address: the one given (0: any), else the first free one from PORT.

    Raises OptionError where it cannot be had.
    """
    error: OSError | None = None
    for tried in range(PORT, PORT + _TRIED) if port is None else [port]:
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if hasattr(socket, "SO_REUSEPORT"):  # not where the option would let two programs share a port
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((HOST, tried))
            opened.listen(128)
        except OSError as refused:
            opened.close()
            error = refused
        else:
            return opened
    assert error is not None
    where = f"port {port}" if port is not None else f"ports {PORT} to {PORT + _TRIED - 1}"
    raise OptionError(
        f"{where}: {error.strerror or error}",
        "the page needs a port of its own",
        "choose another --port, or 0 for any that is free",
    ) from error


def make_server(
    pages: Sequence[PageModel], listening: socket.socket, reporter: Reporter = SILENT
) -> uvicorn.Server:
    """What answers at a listening socket once it is run with it."""
    port = int(listening.getsockname()[1])
    return uvicorn.Server(
        uvicorn.Config(
            application(pages, port, reporter),
            http="h11",
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            limit_concurrency=100,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=32_768,
        )
    )


def serve(pages: Sequence[PageModel], listening: socket.socket, reporter: Reporter = SILENT) -> None:
    """Answer at a listening socket until Ctrl-C."""
    try:
        make_server(pages, listening, reporter).run(sockets=[listening])
    except KeyboardInterrupt:
        pass  # how a page ends
    finally:
        listening.close()
