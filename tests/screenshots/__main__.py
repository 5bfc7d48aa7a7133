"""`make screenshots`: pictures of every page, on a desktop and a phone, light and dark, of a private site full of data
that shows nobody (see exhibit.py).

    python -m tests.screenshots [--output docs/screenshots] [--whole] [page …]

`--whole` takes pages in full length, to look at; without it, what fits the screen.
"""

import argparse
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import launch
from tests.e2e.installation import Installation
from tests.screenshots.pages import PAGES

SCREENS = {"desktop": (1280, 860, 1.0), "phone": (390, 844, 1.5)}
QUALITY = 72
LONGEST = 2600  # pixels of a whole page


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("docs/screenshots"))
    parser.add_argument("--whole", action="store_true", help="pages in full length")
    parser.add_argument("pages", nargs="*", choices=[[], *PAGES], metavar="page", help=", ".join(PAGES))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    chosen = {name: PAGES[name] for name in options.pages or PAGES}
    with (
        tempfile.TemporaryDirectory() as folder,
        exhibition(Path(folder)) as site,
        sync_playwright() as playwright,
        launch(playwright) as browser,
    ):
        for screen, scheme in product(SCREENS, ("light", "dark")):
            for name, page in visit(browser, site, screen, scheme, chosen):
                picture = options.output / f"{name}-{screen}-{scheme}.webp"
                save(page.screenshot(full_page=options.whole), picture)
                print(f"{picture.stat().st_size / 1000:6.0f} kB  {picture}", flush=True)
    return 0


@contextmanager
def exhibition(folder: Path) -> Iterator[Installation]:
    """A whole installation with its processes. It is half past three there, whenever this runs."""
    site = Installation(folder, {"TIME_ZONE": afternoon(), "WEB_CONCURRENCY": "1"})
    site.set_up()
    site.manage("shell", "-c", "from tests.screenshots.exhibit import fill; fill()")
    with site.running():
        site.log_in()
        yield site


def afternoon() -> str:
    """The zone in which it is about 15 h now: people are at work, and have been seen today."""
    ahead = 15 - datetime.now(UTC).hour
    return f"Etc/GMT{-(ahead if ahead > -13 else ahead + 24):+d}"


def visit(
    browser: Browser, site: Installation, screen: str, scheme: str, pages: dict[str, str]
) -> Iterator[tuple[str, Page]]:
    width, height, scale = SCREENS[screen]
    context = browser.new_context(
        base_url=site.url,
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme=scheme,
        timezone_id=afternoon(),
        reduced_motion="reduce",
    )
    context.add_cookies(
        [{"name": one.name, "value": one.value, "url": site.url} for one in site.browser.cookies if one.value]
    )
    page = context.new_page()
    page.goto("/")  # tells the server which zone the browser is in
    for name, address in pages.items():
        page.goto(address, wait_until="networkidle")  # pictures of people come last
        yield name, page
    context.close()


def save(png: bytes, path: Path) -> None:
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.crop((0, 0, picture.width, min(picture.height, LONGEST))).save(path, quality=QUALITY, method=6)


if __name__ == "__main__":
    sys.exit(main())
