import inspect
import shutil
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.util.inspect import stringify_signature

import lucid
from lucid.explain import animate_conv1d, graph

HERE = Path(__file__).parent

project = "lucid"
author = "the lucid developers"
copyright = "2026, the lucid developers"
version = release = lucid.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
]
templates_path = ["_templates"]
# benchmark: parts of performance.rst
exclude_patterns = ["_build", "_templates", "inventories", "benchmark"]
nitpicky = True

autosummary_generate = True
autodoc_typehints = "none"  # types stand in the docstrings, in words
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# What the pages link to in other projects, by inventories of ours: the build needs no network.
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", "inventories/python.inv"),
    "numpy": ("https://numpy.org/doc/stable", "inventories/numpy.inv"),
}

# The examples, run by `sphinx-build -b doctest`, under the same rules as pytest's.
import doctest  # noqa: E402  (beside its use)

doctest_default_flags = doctest.NORMALIZE_WHITESPACE
doctest_global_setup = "import lucid; _ = lucid.manual_seed(0)"

# The tutorials run at every build, as a student runs them: in an empty folder, in a process each.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_timeout = 120  # seconds, per cell
nb_execution_raise_on_error = True
nb_merge_streams = True  # what a cell prints is one block
nb_code_prompt_show = "Show the solution"
nb_code_prompt_hide = "Hide the solution"
myst_heading_anchors = 3
suppress_warnings = ["mystnb.unknown_mime_type"]  # asked of builders other than HTML

highlight_language = "none"  # formulas and commands; examples are known by their >>>

# The button on an example copies what is typed: without prompts, and without what is printed.
# A lone ... ends a block: it becomes the empty line that Python waits for.
copybutton_prompt_text = r">>> ?|\.\.\. ?"
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .go, .gt, .c"  # .c: the ... of a traceback
copybutton_copy_empty_lines = False  # those were left by what was printed
copybutton_selector = "div:not(.output) > div.highlight > pre"

html_theme = "furo"
html_title = "lucid"
html_static_path = ["_static"]
html_static_path += [f"explorer/{name}" for name in ("conv1d.js", "settings.js", "explorer.js")]
html_static_path += ["explorer/explorer.css"]
html_css_files = ["lucid.css"]
html_show_sphinx = False
html_copy_source = False

pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def copy_tutorials(app, config):
    """Put ``tutorials/`` below this folder, where Sphinx looks; files keep their times."""
    copies = HERE / "tutorials"
    originals = {path.name: path for path in (HERE.parent / "tutorials").iterdir()}
    copies.mkdir(exist_ok=True)
    for copy in copies.iterdir():
        if copy.name not in originals:
            copy.unlink()
    for name, original in originals.items():
        shutil.copy2(original, copies / name)


def spread_tutorials(app, env, docnames):
    """With ``-j 2``, pages are read in bundles: the tutorials, which run, are not to be in one."""
    slow = [name for name in docnames if name.startswith("tutorials/")]
    others = [name for name in docnames if name not in slow]
    for i, name in enumerate(slow):
        others.insert(i * len(docnames) // len(slow), name)
    docnames[:] = others


class Animation(Directive):
    """``.. animation::`` a call of animate_conv1d, and below it what it shows."""

    has_content = True

    def run(self):
        call = "\n".join(self.content)
        figure = eval(call, {"lucid": lucid, "animate_conv1d": animate_conv1d}).html()
        code = nodes.literal_block(call, call, language="python")
        return [code, nodes.raw("", figure, format="html")]


class GraphPicture(Directive):
    """``.. graph::`` lines of Python, the last of which calls ``graph``; below them its picture."""

    has_content = True

    def run(self):
        *lines, call = self.content
        names = {"lucid": lucid, "nn": lucid.nn, "graph": graph}
        exec("\n".join(lines), names)
        picture = f'<div class="graph">{eval(call, names).svg}</div>'
        code = "\n".join(self.content)
        return [
            nodes.literal_block(code, code, language="python"),
            nodes.raw("", picture, format="html"),
        ]


def shorter_tree(app, pagename, templatename, context, doctree):
    """Leave names of the reference out of the menu, except beside the reference itself.

    With all of them in every page, the site takes twice the time to build, and to look through.
    """
    if whole := context.get("toctree"):
        part = {"collapse": True} if pagename.startswith("api/") else {"maxdepth": 2}
        context["toctree"] = lambda **options: whole(**{**options, **part})


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


def options_of_layers(app, what, name, obj, options, signature, return_annotation):
    """A layer's signature: that of its ``__init__``, before which Sphinx looks at ``__new__``."""
    if what == "class" and issubclass(obj, lucid.nn.Module):
        plain = stringify_signature(
            inspect.signature(obj), show_annotation=False, show_return_annotation=False
        )
        return plain, None
    return None


def setup(app):
    app.connect("autodoc-process-signature", options_of_layers)
    app.connect("config-inited", copy_tutorials)
    app.connect("env-before-read-docs", spread_tutorials)
    app.add_directive("animation", Animation)
    app.add_directive("graph", GraphPicture)
    app.connect("html-page-context", shorter_tree, priority=400)  # before furo asks for it
    app.connect("html-page-context", accessible, priority=900)  # after furo has made its tree
