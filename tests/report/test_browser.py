"""The page in a real browser, where there is one: what its script does, under its own policy and by its controls."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from explained import HOSTILE, hostile, page_of
from slicegraph.errors import printable

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium is installed")

AT_ONCE = "<script>window.requestAnimationFrame = (draw) => draw(0);</script>"
"""Draws without waiting for a frame: a browser without a screen shows none when it is idle."""
PROBE = """<script>
addEventListener("load", () => {
  const canvas = document.getElementById("canvas"), search = document.getElementById("search");
  const told = {names: []};
  const key = (name) => canvas.dispatchEvent(new KeyboardEvent("keydown", {key: name, cancelable: true}));
  const after = (act) => { act(); return canvas.toDataURL(); };
  const whole = after(() => key("0"));
  const zoomed = after(() => { for (let times = 0; times < 3; times += 1) key("+"); });
  told.zoomed = zoomed !== whole;
  told.moved = after(() => key("ArrowLeft")) !== zoomed;
  told.fitted = after(() => key("0")) === whole;
  told.button = after(() => document.getElementById("in").click()) !== whole;
  search.value = "IMG SRC";
  search.dispatchEvent(new Event("input"));
  told.found = document.getElementById("found").textContent;
  document.querySelectorAll("#hits button").forEach((button) => told.names.push(button.textContent));
  document.querySelector("#hits button").click();
  told.node = document.getElementById("node").textContent;
  const stages = document.querySelector("table.sortable"), button = stages.querySelector("thead button");
  const column = () => [...stages.tBodies[0].rows].map((row) => row.cells[0].dataset.value);
  button.click();
  told.up = column();
  button.click();
  told.down = column();
  told.sort = button.closest("th").getAttribute("aria-sort");
  told.images = document.images.length;
  told.title = document.title;
  const place = document.createElement("pre");
  place.id = "told";
  place.textContent = JSON.stringify(told);
  document.body.append(place);
});
</script>"""


def dump(page: str, folder: Path) -> str:
    """Give the document of a page once its scripts have run."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    assert BROWSER is not None
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
    options += ["--window-size=1280,900", "--virtual-time-budget=10000", "--dump-dom", path.as_uri()]
    run = subprocess.run([BROWSER, *options], capture_output=True, check=True, timeout=120)
    return run.stdout.decode()


def test_the_script_runs_under_the_pages_own_policy(tmp_path: Path) -> None:
    """It sizes the canvas when it draws; a script of a name would have changed the title."""
    document = dump(page_of(hostile()), tmp_path)
    canvas = re.search(r"<canvas[^>]*>", document)
    assert canvas
    assert 'width="' in canvas[0]
    assert "<title>taken</title>" not in document


def test_keys_buttons_search_and_sorting_work(tmp_path: Path) -> None:
    """The probe is a script beside the page's own, so that the policy is left out here."""
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page_of(hostile()))
    document = dump(page.replace("<title>", f"{AT_ONCE}<title>").replace("</body>", f"{PROBE}</body>"), tmp_path)
    found = re.search(r'<pre id="told">(.*?)</pre>', document, re.DOTALL)
    assert found
    told: dict[str, Any] = json.loads(unescape(found[1]))
    assert [told[key] for key in ("zoomed", "moved", "fitted", "button")] == [True] * 4
    assert told["found"] == f"1 of {len(HOSTILE)} nodes"
    assert told["names"] == [f"{HOSTILE[1]} (stage 1)"]
    assert told["node"].startswith(f"{HOSTILE[1]}: {HOSTILE[1]}, stage 1, work 1 s")
    assert told["up"] == [str(stage) for stage in range(len(HOSTILE))]
    assert told["down"] == told["up"][::-1]
    assert told["sort"] == "descending"
    assert told["images"] == 0
    assert told["title"].startswith(printable(HOSTILE[0]))
