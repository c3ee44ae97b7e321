"""The picture of a report in the README: python -m tools.report_picture

Runs the example, opens its report in Chromium (on PATH), and writes what one sees to docs/images/report.png.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "report.png"
WIDTH, HEIGHT, MOST_BYTES = 1280, 1500, 300_000


def screenshot(page: Path) -> bytes:
    """The upper part of a page as PNG, light."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        opened = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        opened.goto(page.as_uri())
        picture = opened.screenshot()
        browser.close()
    return picture


def compress_png(picture: bytes) -> bytes:
    """The same in fewer bytes."""
    from PIL import Image

    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    """Run, look, write."""
    example = Path(__file__).parents[1] / "examples" / "digits" / "run.sh"
    with tempfile.TemporaryDirectory() as folder:
        example_folder = Path(folder, "digits")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        subprocess.run(["bash", str(example), str(example_folder)], check=True, env={**os.environ, "PATH": path})
        picture = compress_png(screenshot(example_folder / "exp" / "analysis" / "report.html"))
    if len(picture) > MOST_BYTES:
        sys.exit(f"the picture has {len(picture)} bytes, more than {MOST_BYTES}")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_bytes(picture)


if __name__ == "__main__":
    main()
