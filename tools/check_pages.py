"""Run every code block of the built pages, as a reader would who pastes it.

The snippets are tested where they are written; this finds what the way to the page has
done to them. Blocks of one page run in one session, in an empty folder.
"""

import argparse
import contextlib
import doctest
import html
import os
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def sessions(page: str) -> list[str]:
    """The interactive sessions of a page, without markup."""
    blocks = re.findall(r"<pre>(.*?)</pre>", page, re.S)
    texts = [html.unescape(re.sub(r"<[^>]+>", "", block)) for block in blocks]
    return [text for text in texts if re.search(r"^>>> ", text, re.M)]


def main() -> None:
    """Run the pages below a folder; the exit status tells whether all blocks ran."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    sys.path[:0] = [str(ROOT / "tests")]  # what the page about building uses
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    n_pages = 0
    for path in sorted(folder.rglob("*.html")):
        text = "\n".join(sessions(path.read_text(encoding="utf-8")))
        if not text or "_modules" in path.parts:
            continue
        n_pages += 1
        name = str(path.relative_to(folder))
        test = doctest.DocTestParser().get_doctest(text + "\n", {}, name, name, 0)
        with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty):
            runner.run(test)
    failed, tried = runner.summarize(verbose=False)
    print(f"{n_pages} pages, {tried} examples, {failed} failed")
    sys.exit(bool(failed) or not tried)


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "agg")
    main()
