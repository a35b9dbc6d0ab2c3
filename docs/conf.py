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


def setup(app):
    """The directive ``animation``: a call of animate_conv1d, and below it what it shows."""
    from docutils import nodes
    from docutils.parsers.rst import Directive

    from lucid.explain import animate_conv1d

    class Animation(Directive):
        has_content = True

        def run(self):
            call = "\n".join(self.content)
            figure = eval(call, {"lucid": lucid, "animate_conv1d": animate_conv1d}).html()
            code = nodes.literal_block(call, call, language="python")
            return [code, nodes.raw("", figure, format="html")]

    app.add_directive("animation", Animation)
