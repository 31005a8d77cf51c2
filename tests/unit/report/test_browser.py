from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest
from evidence_samples import dangerous, hostile

from kfm_ci.evidence.tables import Column, Table
from kfm_ci.report import html, mermaid

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--window-size=900,1200",
)


@pytest.mark.skipif(BROWSER is None, reason="no browser on this machine")
def test_a_browser_applies_the_style_in_light_and_dark_without_complaint(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(html.render(dangerous()), encoding="utf-8")
    plain = tmp_path / "plain.html"
    plain.write_text(page.read_text(encoding="utf-8").replace("sha256-", "sha256-x"), encoding="utf-8")
    light, light_log = look(page, tmp_path / "light.png", 1)
    dark, _ = look(page, tmp_path / "dark.png", 0)
    _, refused_log = look(plain, tmp_path / "plain.png", 1)
    assert light != dark
    assert "Content Security Policy" not in light_log
    assert "Content Security Policy" in refused_log


def look(page: Path, picture: Path, scheme: int) -> tuple[bytes, str]:
    assert BROWSER is not None
    command = [BROWSER, *FLAGS, f"--user-data-dir={picture}.profile", f"--blink-settings=preferredColorScheme={scheme}"]
    done = subprocess.run(
        [*command, f"--screenshot={picture}", page.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    return picture.read_bytes(), done.stderr


MERMAID = Path(os.environ.get("KFM_TOOLS_CACHE", Path.home() / ".cache/kfm-ci/tools")).joinpath(
    "mermaid/node_modules/mermaid/dist/mermaid.min.js"
)
PAGE = """<!doctype html><meta charset="utf-8"><pre id="told"></pre><script src="%s"></script><script>
(async () => {
  const told = [];
  mermaid.initialize({startOnLoad: false, securityLevel: "strict"});
  for (const [number, text] of %s.entries()) {
    try {
      const drawn = (await mermaid.render(`diagram${number}`, text)).svg;
      const parsed = new DOMParser().parseFromString(drawn, "text/html");
      told.push(drawn.includes("Syntax error") ? drawn : parsed.body.textContent);
    } catch (error) { told.push(`ERROR ${error}`); }
  }
  document.getElementById("told").textContent = JSON.stringify(told);
})();
</script>"""


@pytest.mark.skipif(
    BROWSER is None or not MERMAID.exists(),
    reason="NOT DRAWN: no browser, or Mermaid is not installed; `make test-tools` installs it",
)
def test_mermaid_draws_every_diagram_of_a_comment(tmp_path: Path) -> None:
    odd = 'a "b"; %% c --> {d} `e` ü 你 <script>alert(1)</script> end'
    many = Table(
        name=f'public."{odd}"', columns=(Column(name=odd, type="end[]"), Column(name="1", type="numeric(10,2)"))
    )
    texts = [
        str(mermaid.locks(dangerous())),
        str(mermaid.locks(hostile(odd))),
        str(mermaid.entities(dangerous().tables)),
        str(mermaid.entities((many, Table(name="end", columns=(), references=(many.name,))))),
        "erDiagram\n  a -->> {",
    ]
    page = tmp_path / "page.html"
    page.write_text(PAGE % (MERMAID.as_uri(), json.dumps(texts).replace("</", "<\\/")), encoding="utf-8")
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={tmp_path}/profile", "--allow-file-access-from-files"]
    done = subprocess.run(
        [*command, "--virtual-time-budget=30000", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None and found[1], done.stderr
    *drawn, broken = json.loads(unescape(found[1]))
    assert broken.startswith("ERROR")
    assert [text for text in drawn if text.startswith("ERROR") or "Syntax error" in text] == []
    assert "public.orders" in drawn[0] and "has" in drawn[3]
