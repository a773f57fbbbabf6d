"""The `measured` role: a claim's stored value in the prose, linked to the page that measured it. Nobody types the number.

{measured}`torch/dense::deep beats PCA: error over PCA's, code 10`
{measured}`torch/dense::deep beats PCA: error over PCA's, code 10::.2f`
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxRole

from . import claims


class Measured(SphinxRole):
    """Value of a claim with three significant digits and its unit, or in the format given after a second `::`."""

    def run(self):
        """The value as a link; a warning, and so a failed build, where the page or the claim does not exist."""
        self.env.note_reread()  # the page may be executed again
        try:
            return [self._link(*self._find())], []
        except (OSError, KeyError, ValueError) as problem:
            message = self.inliner.reporter.error(f"measured: {problem}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]

    def _find(self):
        parts = self.text.split("::")
        if len(parts) not in (2, 3):
            raise ValueError(f"got {self.text!r}; accepted: page::claim or page::claim::format")
        page, text, form = (*parts, ".3g")[:3]
        path = f"{self.env.srcdir}/notebooks/{page}.ipynb"
        found = {claim.text: claim for claim in claims.read(path, self.env.srcdir)}
        if text not in found:
            raise ValueError(f"{page} makes no claim {text!r}; its claims: {'; '.join(found) or 'none'}")
        return page, f"{found[text].value:{form}} {found[text].unit}".strip()

    def _link(self, page, shown):
        link = addnodes.pending_xref(
            "", nodes.inline("", shown), refdomain="std", reftype="doc", refdoc=self.env.docname,
            reftarget=f"/notebooks/{page}", refexplicit=True, refwarn=True,
        )  # fmt: skip
        link["classes"].append("measured")
        return link


def setup(app):
    """Register the role."""
    app.add_role("measured", Measured())
