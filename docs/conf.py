"""Configuration of the documentation; build with ``sphinx-build -W docs OUTPUT``."""

import invertiblenetworks

project = "invertiblenetworks"
author = "The invertiblenetworks developers"
copyright = "2026, The invertiblenetworks developers"
version = release = invertiblenetworks.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build"]
default_role = "py:obj"

# --- docstrings -----------------------------------------------------------------------

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [
    ("Shapes", "params_style"),
    ("Trainable parameters", "params_style"),
    ("Attributes", "params_style"),
]

# The examples in docstrings are run by pytest; this builder runs those of the pages.
doctest_test_doctest_blocks = ""
doctest_global_setup = "import numpy as np"


def escape_shapes(app, what, name, obj, options, lines):
    """Keep (N, C, *spatial) from being read as the start of emphasis."""
    for i, line in enumerate(lines):
        pieces = line.split("``")
        # Every second piece is a literal, where a backslash would be seen.
        pieces[::2] = [piece.replace(", *", r", \*") for piece in pieces[::2]]
        lines[i] = "``".join(pieces)


def setup(app):
    # Before napoleon, which listens with the default priority 500.
    app.connect("autodoc-process-docstring", escape_shapes, priority=400)


# --- appearance -----------------------------------------------------------------------

html_theme = "alabaster"
pygments_style = "tango"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
html_theme_options = {
    "description": "Invertible networks with hand-written gradients, "
    "over NumPy and CuPy arrays.",
    "fixed_sidebar": True,
    "page_width": "1120px",
    "sidebar_width": "240px",
    "body_max_width": "800px",
    "font_family": "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif",
    "head_font_family": "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif",
    "code_font_family": "ui-monospace, 'DejaVu Sans Mono', Consolas, monospace",
    "pre_bg": "#f6f8fa",
    "font_size": "16px",
    "code_font_size": "0.86em",
    "show_powered_by": False,
    "show_relbars": True,
}
