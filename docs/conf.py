import lucid

project = "lucid"
author = "the lucid developers"
copyright = "2026, the lucid developers"
version = release = lucid.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "numpydoc",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "benchmark"]  # benchmark: parts of performance.rst
nitpicky = True

autosummary_generate = True
autodoc_typehints = "none"  # types stand in the docstrings, in words
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# The examples, run by `sphinx-build -b doctest`, under the same rules as pytest's.
import doctest  # noqa: E402  (beside its use)

doctest_default_flags = doctest.NORMALIZE_WHITESPACE
doctest_global_setup = "import lucid; _ = lucid.manual_seed(0)"

highlight_language = "none"  # formulas and commands; examples are known by their >>>

html_theme = "furo"
html_title = "lucid"
html_show_sphinx = False
html_copy_source = False
html_static_path = [f"explorer/{name}" for name in ("conv1d.js", "settings.js", "explorer.js")]
html_static_path += ["explorer/explorer.css"]


def accessible(app, pagename, templatename, context, doctree):
    """Give each page what screen readers and keyboards miss in Sphinx's HTML.

    A caption called a heading has a level, code that is wider than the screen can be scrolled by
    keys, and references are not called a list, for they are not called its items.
    """
    for part in ("body", "furo_navigation_tree"):
        html = context.get(part, "")
        html = html.replace('role="heading">', 'role="heading" aria-level="2">')
        html = html.replace('role="list" class="citation-list"', 'class="citation-list"')
        context[part] = html.replace("<pre>", '<pre tabindex="0">')


def setup(app):
    app.connect("html-page-context", accessible, priority=900)  # after furo has made its tree
