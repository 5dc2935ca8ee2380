"""Sphinx configuration: `make docs` builds the pages, offline and without warnings."""

import os
import re
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml

import sklearn_msd

sys.path.insert(0, str(Path(__file__).parent))  # gallery.py

project = "sklearn_msd"
author = "The sklearn_msd developers"
copyright = f"{datetime.now(UTC).year}, {author}"
version = release = sklearn_msd.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "auto_examples/GALLERY_HEADER.rst"]
templates_path = ["templates"]
# What docstrings write in single backticks is a name, here or in scikit-learn.
default_role = "py:obj"
rst_prolog = ".. currentmodule:: sklearn_msd\n"  # so that pages link short names

html_theme = "pydata_sphinx_theme"
html_title = f"sklearn_msd {version}"
html_show_sourcelink = False
html_static_path = ["_static"]
# Without the list of pages, code of 88 columns has room; some have no such list.
html_sidebars = {
    page: []
    for page in ("auto_examples/*", "report_map", "development", "changelog", "citing")
}
html_css_files = ["wide.css"]
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 4,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}

autosummary_generate = True
toc_object_entries_show_parents = "hide"  # "fit()": there is no room for the class
autodoc_typehints = "none"
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("sklearn_msd",),
    "filename_pattern": r"/plot_",
    "ignore_pattern": "dask_search",  # a script without a picture: guide/cluster
    "within_subsection_order": "gallery.Journey",
    "thumbnail_size": (800, 500),
    "min_reported_time": 3600,
    "show_memory": False,
    "write_computation_times": False,
    "abort_on_example_error": True,
}

# The processes that a search starts are to be as quiet as this one.
os.environ.setdefault("PYTHONWARNINGS", "ignore")
warnings.filterwarnings("ignore", message=".*FigureCanvasAgg is non-interactive.*")


def _write_math(translator, node):
    """MathML, which browsers show by themselves: no script to fetch."""
    block = node.tagname == "math_block"
    # docutils knows no \big; its brackets grow by themselves.
    tex = re.sub(r"\\[Bb]igg?(?=\W)", "", node.astext())
    math = tex2mathml(tex, as_block=block)
    translator.body.append(f'<div class="math">{math}</div>' if block else math)
    raise SkipNode


def _mend_docstring(app, what, name, obj, options, lines):
    """Keep plain `n_features_in_` from being a link, and scikit-learn's terms too."""
    for i, line in enumerate(lines):
        if line.lstrip().startswith((">>>", "...")):  # code is not text
            continue
        line = re.sub(r"(?<![`\w])(\w+)_(?=[,)])", r"\1\\_", line)
        lines[i] = line.replace(":term:`fit`", "`fit`")


def _add_changelog(app, docname, source):
    """Put CHANGELOG.md on its page: headings, lists and code are all its Markdown."""
    if docname != "changelog":
        return
    path = Path(app.srcdir).parent / "CHANGELOG.md"
    app.env.note_dependency(path, docname=docname)
    text = path.read_text(encoding="utf-8")
    text = text[text.index("## ") :].replace("`", "``")
    text = re.sub(r"^## \[(.*?)\]", r"## \1", text, flags=re.M)
    for level, line in (("## ", "-"), ("### ", "~")):
        text = re.sub(
            rf"^{level}(.*)$",
            lambda found, line=line: f"{found[1]}\n{line * len(found[1])}",
            text,
            flags=re.M,
        )
    source[0] += "\n" + text


def setup(app):
    """Have formulas written by docutils, and docstrings mended after numpydoc."""
    writer = (_write_math, None)
    app.add_html_math_renderer("mathml", writer, writer)
    app.connect("autodoc-process-docstring", _mend_docstring, priority=900)
    app.connect("source-read", _add_changelog)


html_math_renderer = "mathml"
