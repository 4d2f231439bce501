"""What stands before the page: who may ask, how much, and the headers of every answer.

Other programs of the machine and pages of other sites can reach a loopback port too. A page that has pointed its own
name at 127.0.0.1 is told by the Host header, one that asks from elsewhere by Sec-Fetch-Site, which browsers set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONGEST_QUERY = 4096  # bytes of everything behind the question mark
LONGEST_PATH = 256  # bytes

# Scripts and styles come from here and from files only; nothing may be framed, posted elsewhere, or made of strings.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def refusal(
    status: int, value: str, rule: str, mend: str, more: Mapping[str, object] | None = None
) -> Response:
    """An error as JSON: what was found, what is accepted, what to do, and more."""
    document = {"error": {"kind": "request", "value": value, "rule": rule, "mend": mend, **(more or {})}}
    return Response(
        json.dumps(document, ensure_ascii=False, allow_nan=False), status, media_type="application/json"
    )


class Guard:
    """ASGI middleware: refuses strangers and floods, and puts the headers on every answer. port: the one served at."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        names = ("127.0.0.1", "localhost", "[::1]")
        self._hosts = {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        app: ASGIApp = self._refused(scope) or self._app
        await app(scope, receive, send_with_headers)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host.lower() not in self._hosts:
            return refusal(
                421,
                f"host {host[:80]!r}",
                "the page answers to this machine alone",
                "use the address printed",
            )
        if scope["method"] not in ("GET", "HEAD"):
            return refusal(405, scope["method"], "the page is read only", "ask with GET")
        if len(scope["query_string"]) > LONGEST_QUERY or len(scope["raw_path"]) > LONGEST_PATH:
            return refusal(
                414,
                "a long address",
                f"at most {LONGEST_QUERY} bytes behind the question mark",
                "ask for shorter words",
            )
        site = headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") and headers.get("sec-fetch-mode") != "navigate":
            return refusal(403, f"a request from a {site} page", "only the page itself asks", "open the page")
        return None
