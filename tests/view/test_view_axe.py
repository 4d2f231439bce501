"""axe-core on every view; where MORPHVEC_AXE names its axe.min.js (``make axe AXE=...``)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browser import Page, open_browser, served
from page_models import UNSEEN, bare, verbs

_FILE = os.environ.get("MORPHVEC_AXE", "")
pytestmark = pytest.mark.skipif(not _FILE, reason="MORPHVEC_AXE names no axe.min.js")
_RUN = """
const done = arguments[arguments.length - 1];
axe.run({ resultTypes: ["violations"] }).then((found) => done(found.violations.flatMap((one) =>
  one.nodes.map((node) => `${one.id}: ${node.target} ${node.any.concat(node.all).map((each) => each.message).join("; ")}`))));
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    driver = open_browser(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture(scope="module", params=[1, 2])
def address(request):
    with served(*[verbs(), bare()][: request.param]) as found:
        yield found


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)])
def test_axe_finds_nothing(browser, address, width, dark):
    found = {}
    for path in (
        "/",
        "/?w=walked",
        f"/?w={UNSEEN}",
        "/?view=analogy",
        "/?view=analogy&a=walk&b=walked&c=talk",
        "/?view=pair&a=walk&b=talks",
        "/?view=map&projection=pca&words=300&w=walk",
        "/nowhere",
    ):
        Page(browser, address).open(path, width=width, dark=dark).settled()
        # The policy lets no script in; the browser's own door is used.
        browser.execute_cdp_cmd("Runtime.evaluate", {"expression": Path(_FILE).read_text(encoding="utf-8")})
        found[path] = browser.execute_async_script(_RUN)
    assert {path: faults for path, faults in found.items() if faults} == {}
