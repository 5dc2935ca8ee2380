"""The check of built pages finds what building did to code and links."""

import doctest
import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "tools" / "check_pages.py"


@pytest.fixture(scope="module")
def check_pages():
    spec = importlib.util.spec_from_file_location("check_pages", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(code):
    return f'<h1 id="top">t</h1><div class="highlight"><pre>{code}</pre></div>'


def test_sessions_are_read_without_markup(check_pages):
    text = page('<span class="gp">&gt;&gt;&gt; </span>1 <span>&lt;</span> 2\nTrue')
    (example,) = check_pages.shown(text + page("$ make docs"))
    assert (example.source, example.want) == ("1 < 2\n", "True\n")


def test_a_backslash_that_building_put_in_is_found(check_pages, tmp_path):
    (tmp_path / "a.html").write_text(page("&gt;&gt;&gt; sorted([2, 1].copy\\_())\n[1]"))
    assert check_pages.run_examples(tmp_path) == (1, 1, 1)
    (tmp_path / "a.html").write_text(page("&gt;&gt;&gt; sorted([2, 1])\n[1, 2]"))
    assert check_pages.run_examples(tmp_path) == (1, 1, 0)


def test_what_a_source_hides_is_run_before_what_it_shows(check_pages):
    parse = doctest.DocTestParser().get_examples
    source = parse(">>> a = 1\n\ntext\n\n>>> a  # doctest: +SKIP\n1\n")
    assert check_pages.with_set_up(parse(">>> a\n1\n"), source) == source
    with pytest.raises(ValueError, match="its source lacks: b"):
        check_pages.with_set_up(parse(">>> b\n1\n"), source)


def test_examples_skipped_in_the_source_are_known(check_pages):
    text = '"""Do.\n\n>>> f(\n...     1)  # doctest: +SKIP\n>>> 2\n2\n"""'
    assert check_pages.skipped([text]) == {"f(\n    1)"}


def test_broken_links_and_anchors_are_found(check_pages, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.html").write_text(page("") + '<a href="../a.html#top">x</a>')
    links = ["b/c.html", "b/c.html?x=1#top", "#top", "https://x.org/y", "mailto:a@b"]
    text = "".join(f'<a href="{link}">x</a>' for link in links)
    (tmp_path / "a.html").write_text(page("") + text)
    assert check_pages.broken_links(tmp_path) == []
    wrong = ["d.html", "b/c.html#bottom", "#bottom"]
    text += "".join(f'<a href="{link}">x</a>' for link in wrong)
    (tmp_path / "a.html").write_text(page("") + text + '<img src="none.png">')
    assert check_pages.broken_links(tmp_path) == [
        f"a.html: {link}" for link in sorted([*wrong, "none.png"])
    ]
