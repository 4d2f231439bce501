"""The server: who may ask, what it answers, what it never does."""

from __future__ import annotations

import json
import socket
import warnings

import pytest
from page_models import IMAGE, LONG, SCRIPT, UNSEEN, bare, verbs

from morphvec.errors import MorphvecError, OptionError
from morphvec.report import Reporter
from morphvec.view import serve
from morphvec.view.guard import LONGEST_QUERY
from morphvec.view.page import PageModel

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # on import it asks for another release of httpx; this one does as well
    from starlette.testclient import TestClient


PORT = 8421


def client_of(*models, reporter=None):
    pages = [PageModel(model, f"model {place}") for place, model in enumerate(models)]
    app = serve.application(pages, PORT, reporter or Reporter(quiet=True))
    return TestClient(app, base_url=f"http://127.0.0.1:{PORT}")


@pytest.fixture(scope="module")
def client():
    return client_of(verbs(), bare())


def ask(client, name, **parameters):
    response = client.get(f"/api/{name}", params=parameters)
    assert response.headers["content-type"] == "application/json"
    return response.status_code, json.loads(response.text, parse_constant=pytest.fail)


# ------------------------------------------------------------------------------------------- answers


def test_the_models(client):
    status, document = ask(client, "models")
    assert status == 200
    assert [(one["id"], one["name"]) for one in document["models"]] == [("a", "model 0"), ("b", "model 1")]


def test_neighbours_of_a_word_seen_and_unseen(client):
    status, seen = ask(client, "neighbors", word="walk", n=3)
    assert status == 200
    assert [len(seen["neighbors"]), seen["known"]] == [3, True]
    _, unseen = ask(client, "neighbors", word=UNSEEN)
    assert [len(unseen["neighbors"]), unseen["known"]] == [10, False]
    assert unseen["parts"]


@pytest.mark.parametrize("word", [IMAGE, SCRIPT, LONG, "ọ̀rẹ́", "كتاب"])
def test_odd_words_come_back_as_they_are(client, word):
    _, document = ask(client, "neighbors", word=word, n=1)
    assert (document["word"], document["known"]) == (word, True)


def test_the_other_questions(client):
    assert ask(client, "analogy", a="walk", b="walked", c="talk", n=1)[1]["answers"][0]["word"] == "talked"
    assert set(ask(client, "similarity", a="walk", b="talk")[1]) == {"a", "b", "cosine", "dot", "euclidean"}
    assert ask(client, "suggest", q="WAL", n=2)[1]["suggestions"][0]["word"] == "walk"
    assert ask(client, "beginnings", seed=3)[1]["words"]
    status, document = ask(client, "map", words=20)
    assert status == 200
    assert document["state"] in ("ready", "working")


def test_the_second_model_is_asked_by_its_letter(client):
    _, document = ask(client, "neighbors", word="walk", model="b")
    assert document["count"] is None
    assert ask(client, "neighbors", word="walk", model="c")[0] == 400


@pytest.mark.parametrize(
    ("name", "parameters", "kind"),
    [
        ("neighbors", {"word": "zzz", "model": "b"}, "word"),
        ("analogy", {"a": "walk", "b": "zzz", "c": "talk", "model": "b"}, "word"),
        ("explain", {"a": "walk", "b": "talk", "model": "b"}, "model"),
    ],
)
def test_a_question_without_an_answer_is_understood(client, name, parameters, kind):
    status, document = ask(client, name, **parameters)
    assert status == 200
    assert set(document) == {"error"}
    assert document["error"]["kind"] == kind
    assert all(document["error"][part] for part in ("value", "rule", "mend"))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("neighbors", {}),
        ("neighbors", {"word": "  "}),
        ("neighbors", {"word": "w" * 201}),
        ("neighbors", {"word": "walk", "n": "0"}),
        ("neighbors", {"word": "walk", "n": "201"}),
        ("neighbors", {"word": "walk", "n": "-1"}),
        ("neighbors", {"word": "walk", "n": "ten"}),
        ("neighbors", {"word": "walk", "n": "٣"}),
        ("neighbors", {"word": "walk", "n": "9" * 5000}),
        ("neighbors", {"word": "walk", "metric": "manhattan"}),
        ("neighbors", {"word": "walk", "language": "xx"}),
        ("neighbors", {"word": "walk", "class": "V;NONE"}),
        ("neighbors", {"word": "walk", "wrod": "walk"}),
        ("neighbors", {"word": ["walk", "talk"]}),
        ("analogy", {"a": "walk", "b": "walked"}),
        ("map", {"words": "5001"}),
        ("map", {"projection": "sphere"}),
        ("map", {"colour": "mood"}),
    ],
)
def test_bad_requests_say_what_is_wrong(client, name, parameters):
    status, document = ask(client, name, **parameters)
    assert status in (400, 414)
    assert document["error"]["kind"] == "request"
    assert len(json.dumps(document)) < 600


# ------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/?w=walk&view=map", "text/html; charset=utf-8"),
        ("/static/app.js", "text/javascript; charset=utf-8"),
        ("/static/page.css", "text/css; charset=utf-8"),
        ("/static/icon.svg", "image/svg+xml"),
    ],
)
def test_files_have_their_types(client, path, kind):
    response = client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, kind)
    again = client.get(path, headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.head(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/../serve.py",
        "/static/..%2fserve.py",
        "/static/%2e%2e/%2e%2e/__init__.py",
        "/static//etc/passwd",
        "/static/app.js%00.html",
        "/etc/passwd",
        "/api/",
        "/api/nothing",
        "/index.html",
    ],
)
def test_nothing_else_is_there(client, path):
    assert client.get(path).status_code == 404


def test_who_reads_pages_gets_a_page_for_what_is_not_there(client):
    page = client.get("/nowhere", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert client.get("/nowhere").json()["error"]["value"] == "/nowhere"
    assert "/nowhere" not in page.text


def test_the_page_names_no_other_host_and_has_no_inline_script_or_style():
    for name, asset in serve._static().items():
        text = asset(_Plain()).body.decode()
        outside = text.replace("http://www.w3.org/2000/svg", "")
        assert "://" not in outside, name
        assert "innerHTML" not in text, name
        if name.endswith(".html"):
            assert "<style" not in text
            assert " style=" not in text
            assert " on" not in text.replace(" one ", "").split("<body")[0]
            assert "<script>" not in text
            assert '<html lang="en">' in text


class _Plain:
    def __init__(self):
        self.headers = {}


# ------------------------------------------------------------------------------------------- safety


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/api/models", "/nowhere", "/api/neighbors"])
def test_every_answer_carries_the_headers(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == ("no-cache" if path in ("/", "/static/app.js") else "no-store")
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"evil.example:{PORT}",
        "127.0.0.1",
        "127.0.0.1:80",
        f"127.0.0.1.evil.example:{PORT}",
        "",
    ],
)
def test_strangers_names_are_refused(client, host):
    response = client.get("/api/models", headers={"Host": host})
    assert response.status_code == 421
    assert "content-security-policy" in response.headers


@pytest.mark.parametrize("host", [f"localhost:{PORT}", f"LOCALHOST:{PORT}", f"[::1]:{PORT}"])
def test_names_of_this_machine_are_not(client, host):
    assert client.get("/api/models", headers={"Host": host}).status_code == 200


def test_other_pages_may_link_but_not_ask(client):
    across = {"Sec-Fetch-Site": "cross-site"}
    assert client.get("/api/models", headers={**across, "Sec-Fetch-Mode": "no-cors"}).status_code == 403
    assert client.get("/api/models", headers={"Sec-Fetch-Site": "same-site"}).status_code == 403
    assert client.get("/", headers={**across, "Sec-Fetch-Mode": "navigate"}).status_code == 200
    assert client.get("/api/models", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_the_page_is_read_only(client, method):
    assert client.request(method, "/api/models").status_code == 405


def test_long_addresses_are_refused(client):
    assert client.get("/?w=" + "w" * LONGEST_QUERY).status_code == 414
    assert client.get("/" + "w" * 300).status_code == 414


def test_a_bug_is_said_and_the_server_goes_on(capsys):
    class Broken(PageModel):
        def beginnings(self, seed, n=12):
            raise RuntimeError("a bolt is loose")

    app = serve.application([Broken(verbs(), "broken")], PORT, Reporter())
    client = TestClient(app, base_url=f"http://127.0.0.1:{PORT}")
    response = client.get("/api/beginnings")
    assert (response.status_code, "a bolt is loose" in response.text) == (500, True)
    assert "Traceback" not in response.text
    assert "a bolt is loose" in capsys.readouterr().err
    assert client.get("/api/models").status_code == 200


# ------------------------------------------------------------------------------------------- the port


def test_loopback_only():
    with serve.listen(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_a_port_in_use_is_refused_in_one_line():
    with serve.listen(0) as taken, pytest.raises(OptionError) as caught:
        serve.listen(taken.getsockname()[1])
    assert isinstance(caught.value, MorphvecError)
    assert "in use" in str(caught.value)
    assert "--port" in caught.value.mend


def test_without_a_port_the_first_free_one_is_taken(monkeypatch):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        monkeypatch.setattr(serve, "PORT", one.getsockname()[1])
        with serve.listen(None) as two:
            assert two.getsockname()[1] > one.getsockname()[1]
