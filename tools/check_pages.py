"""Run every code block of the built pages, as a reader would who pastes it, and follow
every link within the site.

The snippets are tested where they are written; this finds what the way to the page has
done to them. Blocks of one page run in one session, in an empty folder, after what its
source sets up without showing it. Examples that are skipped where they are written,
because they need files that only their reader has, are skipped here.
"""

import argparse
import contextlib
import doctest
import html
import os
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).parents[1]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
PARSER = doctest.DocTestParser()
# Sphinx leaves these out of what it shows.
OPTIONS = re.compile(r"\s*#\s*doctest:.*$", re.M)


def sessions(page: str) -> list[str]:
    """The interactive sessions of a page, without markup."""
    blocks = re.findall(r"<pre>(.*?)</pre>", page, re.S)
    texts = [html.unescape(re.sub(r"<[^>]+>", "", block)) for block in blocks]
    return [text for text in texts if re.search(r"^>>> ", text, re.M)]


def shown(page: str) -> list[doctest.Example]:
    """The examples of a page, in order."""
    return PARSER.get_examples("\n".join(sessions(page)) + "\n")


def as_shown(example: doctest.Example) -> str:
    """The code of an example as pages have it."""
    return OPTIONS.sub("", example.source).strip()


def with_set_up(
    examples: list[doctest.Example], source: list[doctest.Example]
) -> list[doctest.Example]:
    """A page's examples, with those that its source runs and does not show.

    Raises
    ------
    ValueError
        If the page shows what its source does not have, or in another order.
    """
    left = list(examples)
    for example in source:
        if left and as_shown(left[0]) == as_shown(example):
            left.pop(0)
    if left:
        raise ValueError(f"the page shows what its source lacks: {left[0].source}")
    return source


def skipped(texts: Iterable[str]) -> set[str]:
    """The code of the examples that are skipped where they are written."""
    return {
        as_shown(example)
        for text in texts
        if "+SKIP" in text
        for example in PARSER.get_examples(text)
        if example.options.get(doctest.SKIP)
    }


def broken_links(folder: Path) -> list[str]:
    """Links and pictures of the pages in a folder whose targets are not there."""
    pages = {
        path: path.read_text(encoding="utf-8")
        for path in folder.rglob("*.html")
        if "_static" not in path.relative_to(folder).parts  # the theme's templates
    }
    anchors = {
        path: {*re.findall(r'\b(?:id|name)="([^"]+)"', text)}
        for path, text in pages.items()
    }
    found = set()
    for path, text in pages.items():
        for link in re.findall(r'\b(?:href|src)="([^"]*)"', text):
            link = html.unescape(link)
            if re.match(r"[a-z]+:|//", link) or not link:
                continue
            name, _, anchor = link.partition("#")
            name = unquote(name.partition("?")[0])
            target = (path.parent / name).resolve() if name else path
            known = anchors.get(target)
            if not target.exists() or (
                anchor and known is not None and unquote(anchor) not in known
            ):
                found.add(f"{path.relative_to(folder)}: {link}")
    return sorted(found)


def run_examples(folder: Path) -> tuple[int, int, int]:
    """Run the examples of all pages; how many pages, examples and failures."""
    modules = sorted((ROOT / "sklearn_msd").rglob("*.py"))
    left_out = skipped(path.read_text(encoding="utf-8") for path in modules)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    n_pages = n_broken = 0
    for path in sorted(folder.rglob("*.html")):
        examples = shown(path.read_text(encoding="utf-8"))
        name = path.relative_to(folder)
        if not examples or "_modules" in path.parts:
            continue
        n_pages += 1
        written = ROOT / "docs" / name.with_suffix(".rst")
        if written.exists() and "generated" not in name.parts:
            text = written.read_text(encoding="utf-8")
            try:
                examples = with_set_up(examples, PARSER.get_examples(text))
            except ValueError as error:
                print(f"{name}: {error}")
                n_broken += 1
                continue
        for example in examples:
            example.options[doctest.SKIP] = as_shown(example) in left_out
        test = doctest.DocTest(examples, {}, str(name), str(name), 0, None)
        with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty):
            runner.run(test)
    failed, tried = runner.summarize(verbose=False)[:2]
    return n_pages, tried, failed + n_broken


def main() -> None:
    """Check the pages below a folder; the exit status tells whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    sys.path[:0] = [str(ROOT / "tests")]  # what the page about building uses
    broken = broken_links(folder)
    print("\n".join([*broken, f"{len(broken)} broken links"]))
    n_pages, tried, failed = run_examples(folder)
    print(f"{n_pages} pages, {tried} examples, {failed} failed")
    sys.exit(bool(failed) or not tried or bool(broken))


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "agg")
    main()
