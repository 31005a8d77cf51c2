"""Write a screenshot of a report, or of a comment as GitHub renders it: with its parser, style sheet and Mermaid.

    python docs/pictures/render.py FILE PICTURE [--modules node_modules] [--open] [--dark] [--height 1200]

FILE is comment.md or report.html. This needs Chromium, a font with colour emoji, `pip install cmarkgfm` and
`npm install github-markdown-css mermaid`.
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--allow-file-access-from-files",
    "--force-device-scale-factor=1.5",
    "--virtual-time-budget=8000",
)
PAGE = """<!doctype html><meta charset="utf-8"><style>{css}
body {{ margin: 0; padding: 24px; background: {ground}; }}
.markdown-body {{ max-width: 830px; padding: 16px; border: 1px solid #d1d9e0; border-radius: 6px; font-size: 14px; }}
</style><article class="markdown-body">{body}</article>
<script src="{mermaid}"></script><script>mermaid.initialize({{theme: "{theme}"}})</script>"""


def github_page(text: str, modules: Path, *, opened: bool, dark: bool) -> str:
    """Return a comment as an HTML page in GitHub's style."""
    import cmarkgfm
    from cmarkgfm.cmark import Options

    body = cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE)
    diagram = re.compile(r'<pre lang="mermaid"><code>(.*?)</code></pre>', re.S)
    body = diagram.sub(lambda found: f'<pre class="mermaid">{html.escape(html.unescape(found[1]))}</pre>', body)
    body = body.replace("<details>", "<details open>") if opened else body
    css = (modules / "github-markdown-css" / f"github-markdown-{'dark' if dark else 'light'}.css").read_text()
    mermaid = (modules / "mermaid" / "dist" / "mermaid.min.js").resolve().as_uri()
    return PAGE.format(
        css=css, body=body, mermaid=mermaid, ground="#0d1117" if dark else "#fff", theme="dark" if dark else "default"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--modules", type=Path, default=Path("node_modules"))
    parser.add_argument("--open", action="store_true", dest="opened")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--height", type=int, default=1200)
    given = parser.parse_args()
    browser = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
    with tempfile.TemporaryDirectory() as folder:
        page = given.file.resolve()
        if page.suffix == ".md":
            text = github_page(page.read_text(encoding="utf-8"), given.modules, opened=given.opened, dark=given.dark)
            page = Path(folder, "page.html")
            page.write_text(text, encoding="utf-8")
        subprocess.run(
            [
                browser,
                *FLAGS,
                f"--user-data-dir={folder}/profile",
                f"--window-size=910,{given.height}",
                f"--screenshot={given.picture.resolve()}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )


if __name__ == "__main__":
    main()
