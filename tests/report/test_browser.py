"""The page in a real browser, offline: drawn, silent, alone, readable."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from homeroom.report import render_page, run_html, run_view

from . import fakes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desktop": (1280, 900), "mobile": (390, 844)}

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "CI" not in os.environ, reason="no Chromium on this machine"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Visit:
    """A page opened from disk, with everything it said and asked for."""

    def __init__(self, browser: Any, path: Path, size: str, scheme: str) -> None:
        width, height = SIZES[size]
        self.context = browser.new_context(
            offline=True,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
        )
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append("dialog"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-drawn]", timeout=30_000)


def visit(
    browser: Any, folder: Path, run: Any, size: str = "desktop", scheme: str = "light"
) -> Visit:
    path = folder / "report.html"
    path.write_text(render_page(run_view(run)), encoding="utf-8")
    return Visit(browser, path, size, scheme)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_is_drawn_in_silence(
    browser: Any, tmp_path: Path, scheme: str
) -> None:
    """All charts have marks, the console is empty, nothing but the file is read."""
    seen = visit(browser, tmp_path, fakes.run_of(), scheme=scheme)
    assert seen.said == []
    assert seen.asked == [(tmp_path / "report.html").as_uri()]
    charts = seen.page.locator("[data-chart]")
    assert charts.count() == 2 + 3 * 2
    for i in range(charts.count()):
        marks = charts.nth(i).locator("svg .mark-symbol path, svg .mark-line path")
        assert marks.count() > 0
        assert charts.nth(i).bounding_box()["height"] > 80
    assert seen.page.locator("#leaderboard tbody tr").first.is_visible()
    assert seen.page.locator("#answer").bounding_box()["y"] < 400
    paper, ink, line = seen.page.evaluate(
        """() => [
          getComputedStyle(document.body).backgroundColor,
          getComputedStyle(document.body).color,
          getComputedStyle(document.querySelector(".mark-line path")).stroke,
        ]"""
    )
    assert (lightness(paper) > lightness(ink)) is (scheme == "light")
    assert contrast(paper, ink) > 7
    assert contrast(paper, line) > 3
    seen.context.close()


def test_hostile_names_do_nothing_and_fit_a_phone(browser: Any, tmp_path: Path) -> None:
    """Names that are code are only names, also in a tooltip; no sideways scrolling."""
    seen = visit(browser, tmp_path, fakes.hostile_run(), "mobile")
    assert fakes.HOSTILE in seen.page.locator("h1").inner_text()
    wide = seen.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= SIZES["mobile"][0]
    seen.page.hover("[data-chart=leaderboard] svg .mark-symbol path >> nth=0")
    seen.page.wait_for_selector("#vg-tooltip-element.visible")
    assert fakes.HOSTILE in seen.page.locator("#vg-tooltip-element").inner_text()
    assert seen.page.locator("img").count() == 0
    assert seen.said == []
    seen.context.close()


@pytest.mark.parametrize(
    "run",
    [fakes.run_with_failures(), fakes.regression_run()],
    ids=["failures", "regression"],
)
def test_every_kind_of_run_is_drawn(browser: Any, tmp_path: Path, run: Any) -> None:
    """No kind of run makes a chart complain."""
    seen = visit(browser, tmp_path, run)
    assert seen.said == []
    seen.context.close()


@pytest.mark.parametrize("size", ["desktop", "mobile"])
def test_no_label_of_a_chart_is_cut_off(
    browser: Any, tmp_path: Path, size: str
) -> None:
    """A long metric name fits its axis, and a note its curve, also on a phone."""
    seen = visit(browser, tmp_path, fakes.regression_run(), size)
    cut = seen.page.evaluate(
        """() => [...document.querySelectorAll("[data-chart] svg")].flatMap((svg) => {
          const frame = svg.getBoundingClientRect();
          return [...svg.querySelectorAll("text")].filter((text) => {
            const box = text.getBoundingClientRect();
            return box.left < frame.left - 1 || box.right > frame.right + 1
              || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
          }).map((text) => text.textContent);
        })"""
    )
    assert cut == []
    seen.context.close()


def test_paper_gets_charts_of_its_own_width(browser: Any, tmp_path: Path) -> None:
    """Printing draws charts anew, two curves beside each other; then the old ones."""
    seen = visit(browser, tmp_path, fakes.run_of())
    widths = """() => [...document.querySelectorAll("[data-chart] svg")]
      .map((svg) => Number(svg.getAttribute("width")))"""
    before = seen.page.evaluate(widths)
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    paper = seen.page.evaluate(widths)
    assert max(paper) < 700 < max(before)
    assert min(paper) < 320
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.page.evaluate(widths) == before
    seen.page.emulate_media(media="print")
    seen.page.set_viewport_size({"width": 690, "height": 1000})
    a, b = (
        seen.page.locator(f"[data-chart=curve-0-{i}]").bounding_box() for i in (0, 1)
    )
    assert abs(a["y"] - b["y"]) < 1
    assert a["x"] + a["width"] <= b["x"]
    assert not seen.page.locator("details:not([open])").first.is_visible()
    assert seen.said == []
    seen.context.close()


def test_a_notebook_fragment_shows_its_table(browser: Any, tmp_path: Path) -> None:
    """The fragment is readable in any page, and loads nothing."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    path = tmp_path / "cell.html"
    fragment = run_html(run_view(fakes.run_of()))
    path.write_text(f"<!doctype html><meta charset=utf-8>{fragment}", encoding="utf-8")
    page.goto(path.as_uri())
    assert page.locator(".homeroom tbody tr").first.is_visible()
    assert asked == [path.as_uri()]
    context.close()


def contrast(a: str, b: str) -> float:
    """Return the WCAG contrast of two CSS colors."""
    darker, lighter = sorted((lightness(a), lightness(b)))
    return (lighter + 0.05) / (darker + 0.05)


def lightness(color: str) -> float:
    """Return the WCAG relative luminance of a CSS color, "rgb(r, g, b)"."""
    numbers = color[color.index("(") + 1 : -1].split(",")[:3]
    r, g, b = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (float(number) / 255 for number in numbers)
    )
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
