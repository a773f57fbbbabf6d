"""The `mermaid` directive: a numbered figure, drawn in the reader's browser by our copy of mermaid, with no network.

    ```{mermaid} The caption, one sentence.
    :name: fig-parts
    :alt: What a reader who cannot see the drawing needs to know.

    flowchart LR
        x --> encoder --> z --> decoder
    ```

sphinxcontrib-mermaid is not used: its local mode loads ES modules, which browsers refuse from file://.
"""

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective


class Diagram(nodes.General, nodes.Element):
    """A drawing in mermaid's language: `source`, and `alt`, its description in words."""


class MermaidDirective(SphinxDirective):
    """Figure drawn from mermaid source; caption (the argument) and alt text are required."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"name": directives.unchanged_required, "alt": directives.unchanged_required}  # noqa: RUF012

    def run(self):
        """One figure node: the diagram and its caption."""
        alt = self.options.get("alt", "").strip()
        if not alt:
            raise self.error("mermaid: the option :alt: is missing; describe the diagram in one sentence.")
        if not self.content:
            raise self.error("mermaid: the directive is empty; write the diagram's source below the options.")
        caption, messages = self.state.inline_text(self.arguments[0], self.lineno)
        figure = nodes.figure("", Diagram("", source="\n".join(self.content), alt=alt), classes=["diagram-figure"])
        figure += nodes.caption(self.arguments[0], "", *caption)
        self.set_source_info(figure)
        self.add_name(figure)
        return [figure, *messages]


def _visit_html(translator, node):
    source, alt = translator.encode(node["source"]), translator.attval(node["alt"])
    # The source stays readable where scripts are off, and for search.
    translator.body.append(
        f'<div class="diagram" role="img" aria-label="{alt}">'
        f'<div class="diagram-drawing"></div><pre class="diagram-source">{source}</pre></div>'
    )
    raise nodes.SkipNode


def _visit_text(translator, node):
    translator.add_text(node["alt"])
    raise nodes.SkipNode


def _load_scripts(app, pagename, templatename, context, doctree):
    """Load mermaid (3.5 MB) only on pages that have a diagram."""
    if doctree is not None and next(doctree.findall(Diagram), None) is not None:
        app.add_js_file("mermaid/mermaid.min.js", loading_method="defer")
        app.add_js_file("diagrams.js", loading_method="defer", priority=600)


def setup(app):
    """Register the node, the directive and the scripts."""
    app.add_node(Diagram, html=(_visit_html, None), text=(_visit_text, None))
    app.add_directive("mermaid", MermaidDirective)
    app.connect("html-page-context", _load_scripts)
