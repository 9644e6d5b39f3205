"""The site: ``sphinx-build -W docs docs/_build/html`` from the root of the repository.

Add ``-D plot_gallery=0`` to skip the examples. This takes seconds instead of minutes.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from docutils.nodes import SkipNode
from written_at_build import run_page, write_activations, write_inventories

import skneural

project = "skneural"
author = "the skneural developers"
copyright = author
version = release = skneural.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
nitpicky = True  # a reference without a target is a warning, and warnings are errors
exclude_patterns = ["_build", "generated/activations", "generated/diagnosis"]
templates_path = ["_templates"]

autodoc_typehints = "none"  # the docstrings give types with shapes
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
autosummary_generate = True
numpydoc_show_class_members = False  # the templates list them
numpydoc_citation_re = r"[\w-]+"
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence"]
myst_heading_anchors = 3
extlinks = {"arxiv": ("https://arxiv.org/abs/%s", "arXiv %s"), "doi": ("https://doi.org/%s", "doi:%s")}
copybutton_exclude = ".linenos, .gp, .go"

# Written from a list in this folder at the start of each build, so that no build needs the network.
intersphinx_mapping = write_inventories(Path(__file__).parent)
intersphinx_disabled_reftypes = []

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": "/plot_",
    "within_subsection_order": "written_at_build.GalleryOrder",
    "capture_repr": ("_repr_html_",),
    "image_srcset": ["2x"],
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "show_memory": False,
    "remove_config_comments": True,
    "min_reported_time": 1,
}

html_theme = "pydata_sphinx_theme"
html_title = "skneural"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_use_index = False  # readers use the search instead
html_theme_options = {
    "navigation_depth": 3,
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "secondary_sidebar_items": {"*": ["page-toc"], "generated/*": ["page-toc"]},  # the gallery needs the width
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "search": []}


html_math_renderer = "text"  # MathJax would be loaded from another server, for one inherited docstring


def write_math(writer, node):
    writer.body.append(writer.starttag(node, "code") + writer.encode(node.astext()) + "</code>")
    raise SkipNode


def write_generated(app):
    write_activations(Path(app.srcdir))
    run_page(Path(app.srcdir), "diagnosis")


def setup(app):
    app.connect("builder-inited", write_generated)
    app.add_html_math_renderer("text", (write_math, None), (write_math, None))
