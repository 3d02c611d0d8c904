"""The page is whole, alone and safe, before any browser has seen it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from homeroom.report import render_page, run_view
from homeroom.report.page import in_script

from . import fakes


class Page(HTMLParser):
    """Collects elements, their attributes, and text by element."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(render_page(run_view(fakes.run_of())))


def test_the_answer_comes_first(page: Page) -> None:
    """Choice, mean, final score and reason stand before the leaderboard."""
    before = page.text.split("Leaderboard", 1)[0]
    for said in (
        "tuned was chosen of 3",
        "93.5 %",
        "91.1 to 96.0 %",
        "93.6 %",
        "90.6 to 95.7 %",
    ):
        assert said in before
    assert "cannot be told from it" in page.text


@pytest.mark.parametrize(
    "section",
    [
        "leaderboard",
        "curves",
        "strip",
        "split",
        "data",
        "final-test",
        "reading",
        "provenance",
    ],
)
def test_every_section_is_there(page: Page, section: str) -> None:
    """Each part of the report has its place, and the list of sections links to it."""
    assert ("section", {"id": section}) in page.tags
    assert ("a", {"href": f"#{section}"}) in page.tags


def test_failures_have_a_section_only_when_there_are_some(page: Page) -> None:
    """What failed is told with its reason; nothing failed is not a section."""
    assert ("section", {"id": "failures"}) not in page.tags
    broken = Page(render_page(run_view(fakes.run_with_failures())))
    assert ("section", {"id": "failures"}) in broken.tags
    assert "loss became NaN in epoch 3" in broken.text


def test_nothing_points_outside(page: Page) -> None:
    """No element has an address other than a place in the page."""
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form", "img"}
        for name in ("src", "href", "action", "srcset", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith("#")


def test_the_policy_allows_only_the_scripts_of_the_page(page: Page) -> None:
    """Scripts run by their hash; connections are forbidden altogether."""
    [policy] = [
        a["content"]
        for t, a in page.tags
        if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert policy.count("'sha256-") == 4
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]


def test_hostile_names_stay_text() -> None:
    """A name that tries to end its element adds no element."""
    tame = Page(render_page(run_view(fakes.run_of())))
    wild = Page(render_page(run_view(fakes.hostile_run())))
    assert fakes.HOSTILE in wild.text
    assert "{{ 7 * 7 }}" in wild.text
    assert {tag for tag, _ in wild.tags} <= {tag for tag, _ in tame.tags} | {"h3"}
    scripts = [a for t, a in wild.tags if t == "script"]
    assert len(scripts) == len([a for t, a in tame.tags if t == "script"])
    assert not any("onerror" in attributes for _, attributes in wild.tags)


def test_data_in_the_page_is_json_that_cannot_end_its_element() -> None:
    """Angle brackets, ampersands and line separators are escaped, and come back."""
    hostile = {"</script>": "\u2028 & <!-- \u2029", "학습": 1.5}
    text = str(in_script(hostile))
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == hostile


def test_a_number_that_json_does_not_know_is_an_error() -> None:
    """NaN in a chart is a mistake of ours, found before the page is written."""
    with pytest.raises(ValueError, match="JSON"):
        in_script(float("nan"))


def test_the_same_run_makes_the_same_page() -> None:
    """A page depends on its run and on nothing else, not even on the clock."""
    view = run_view(fakes.regression_run())
    assert render_page(view) == render_page(view)


@pytest.mark.parametrize(
    "run", [fakes.interrupted_run(), fakes.regression_run(), fakes.run_of(n_seeds=1)]
)
def test_every_kind_of_run_has_a_page(run: object) -> None:
    """Interrupted, regression, one seed: a page, without the word nan."""
    text = Page(render_page(run_view(run))).text  # type: ignore[arg-type]
    assert not re.search(r"\b(nan|None|Undefined)\b", text)


def test_the_licenses_of_what_is_inside_are_inside(page: Page) -> None:
    """The chart libraries bring their notices."""
    assert "University of Washington Interactive Data Lab" in page.text
    assert "Mike Bostock" in page.text


def test_every_headline_number_says_of_how_many() -> None:
    """Folds and seeds stand at the mean, rows at the final test."""
    page = render_page(run_view(fakes.run_of()))
    tiles = page[page.index('class="tiles"') : page.index("worst fold")]
    assert "5 folds × 3 seeds" in tiles
    assert "360 rows" in tiles


def test_the_page_of_an_interrupted_run_has_no_failures() -> None:
    """What never began stands under its own heading, and a mean says of how many."""
    page = render_page(run_view(fakes.interrupted_run()))
    assert 'id="untrained"' in page
    assert 'id="failures"' not in page
    assert "7 of 15 trainings" in page
    assert "Every training (0)" not in page
