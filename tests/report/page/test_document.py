import re
from html.parser import HTMLParser

import pytest

from sklearn_msd.report.page.document import (
    Bullets,
    Heading,
    Interval,
    Intervals,
    Paragraph,
    Picture,
    Table,
    contents,
    plain,
    write_html,
    write_markdown,
)

SVG = (
    '<svg width="72pt" viewBox="0 0 72 36" xmlns="http://www.w3.org/2000/svg">'
    '<path id="p" clip-path="url(#c)" style="fill: #010101"/></svg>'
)
BLOCKS = [
    Heading(1, "Songs & <genres>"),
    Heading(2, "First", "first"),
    Paragraph("**Bold** and `code --flag`, [there](#second).", notice=True),
    Bullets(["one", "two <b>"]),
    Heading(2, "Second", "second"),
    Heading(3, "Below", "below"),
    Table(["Model", "Score"], [["a|b", "0.5"], ["c", "–"]]),
    Picture("one", [SVG, SVG], "A picture.", 'What "it" shows.'),
    Intervals(
        ["Model", "Verdict", "Difference"],
        [
            Interval(["a", "**holds**"], 0.1, 0.05, 0.15, zone=(0, 0.02)),
            Interval(["b", "**open**"], -0.1, -0.2, 0.1, published=0.3),
        ],
        0.0,
        "no difference",
        signed=True,
    ),
]
VOID = {"meta", "img", "br", "link", "line", "rect", "path"}


class Balanced(HTMLParser):
    """Checks that elements are closed, and that ids differ."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links = [], [], []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if attributes.get("href", "").startswith("#"):
            self.links.append(attributes["href"][1:])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture
def page(tmp_path):
    write_html(BLOCKS, tmp_path / "page.html")
    return (tmp_path / "page.html").read_text()


def test_html_is_one_file_that_holds_everything(page):
    assert "<h1>Songs &amp; &lt;genres&gt;</h1>" in page
    assert (
        '<b>Bold</b> and <code>code --flag</code>, <a href="#second">there</a>' in page
    )
    assert '<td>a|b</td><td class="n">0.5</td>' in page
    assert "<li>two &lt;b&gt;</li>" in page
    # Nothing is fetched: links lead into the page.
    assert not re.search(r'(src|href)="(?!#)', page)
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page


def test_html_is_whole_and_its_links_lead_somewhere(page):
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert len(set(parser.ids)) == len(parser.ids)
    assert {*parser.links} <= {*parser.ids}
    assert {"first", "second", "below"} <= {*parser.links}


def test_the_answer_comes_before_the_contents(page):
    assert page.index('id="first"') < page.index("<nav") < page.index('id="second"')


def test_pictures_take_colours_of_the_page_and_have_a_text(page):
    assert 'role="img" aria-label="What &quot;it&quot; shows."' in page
    assert page.count('aria-hidden="true"') >= 1
    assert 'style="fill: var(--ink)"' in page
    assert 'id="one-1-p"' in page
    assert "url(#one-2-c)" in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_intervals_are_drawn_where_their_numbers_are(page):
    plot = BLOCKS[-1]
    low, high = plot.span
    assert low < -0.2
    assert high > 0.3
    assert plot.at(low) == "0.00"
    assert float(plot.at(0.0)) == pytest.approx(100 * -low / (high - low), abs=0.01)
    for row in plot.rows:
        drawn = f'class="range" x1="{plot.at(row.low)}" x2="{plot.at(row.high)}"'
        assert drawn in page
        assert plot.numbers(row) in page
    assert "+0.100 [+0.050, +0.150]" in page
    assert page.count('class="published"') == 1
    assert page.count('class="zone"') == 1


def test_markdown_has_its_pictures_beside_it(tmp_path):
    write_markdown(BLOCKS, tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text()
    assert "| a\\|b | 0.5 |" in text
    assert "> **Bold**" in text
    assert "- one\n- two" in text
    assert '<a id="second"></a>' in text
    assert "| b | **open** | -0.100 [-0.200, +0.100] |" in text
    assert '![What "it" shows.](pictures/one-1.svg) ![](pictures/one-2.svg)' in text
    for i in (1, 2):
        assert (tmp_path / "pictures" / f"one-{i}.svg").read_text() == SVG


def test_contents_are_headings_below_the_title():
    first, second = contents(BLOCKS)
    assert (first.heading.anchor, first.below) == ("first", [])
    assert [heading.anchor for heading in second.below] == ["below"]


def test_marks_are_left_out_of_plain_text():
    assert plain("**a** `b` [c](#d) e") == "a b c e"
