"""The `claims-ledger` directive: one table of every checked claim, made from the notebooks' stored outputs."""

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from . import claims

HEADINGS = (("Claim", 40), ("Measured", 14), ("Promised", 14), ("Page", 20), ("Profile", 12))


class ClaimsLedger(SphinxDirective):
    """Table: claim, measured value, threshold, page, profile; what a phone shows first comes first."""

    def run(self):
        """The table of the claims on the book's pages, below one line that counts them."""
        self.env.note_reread()  # a page may have been added or executed again
        root = self.env.srcdir
        try:
            rows = [
                claim
                for path in claims.notebooks(root)
                if self.env.path2doc(str(path)) in self.env.found_docs
                for claim in claims.read(path, root)
            ]
        except (KeyError, ValueError) as problem:
            raise self.error(f"claims-ledger: {problem}") from problem
        if not rows:
            return [nodes.paragraph("", "No executed page holds a claim yet.")]
        pages = len({claim.page for claim in rows})
        count = nodes.paragraph("", f"Claims: {len(rows)}. Pages: {pages}.")
        return [count, self._table(rows)]

    def _table(self, rows):
        group = nodes.tgroup(cols=len(HEADINGS))
        group += [nodes.colspec(colwidth=width) for _, width in HEADINGS]
        head = nodes.row()
        head += [nodes.entry("", nodes.paragraph("", title)) for title, _ in HEADINGS]
        body = nodes.tbody()
        body += [self._row(claim) for claim in rows]
        group += [nodes.thead("", head), body]
        return nodes.table("", group, classes=["claims-ledger"])

    def _row(self, claim):
        link = addnodes.pending_xref(
            "",
            nodes.inline("", claim.page),
            refdomain="std",
            reftype="doc",
            refdoc=self.env.docname,
            reftarget=f"/{claim.page}",
            refexplicit=True,
            refwarn=True,
        )
        # The twins share their titles, so the link's text is the page's place: keras/dense, torch/dense.
        link[0][0] = nodes.Text(claim.page.removeprefix("notebooks/"))
        cells = [
            nodes.paragraph("", claim.text),
            nodes.paragraph("", claim.measured),
            nodes.paragraph("", claim.threshold),
            nodes.paragraph("", "", link),
            nodes.paragraph("", claim.profile),
        ]
        row = nodes.row()
        row += [nodes.entry("", cell) for cell in cells]
        return row


def setup(app):
    """Register the directive."""
    app.add_directive("claims-ledger", ClaimsLedger)
