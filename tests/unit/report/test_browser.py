from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from evidence_samples import dangerous

from kfm_ci.report import html

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
