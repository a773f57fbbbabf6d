"""The Figure that the plot functions return. Imported when a figure is drawn: it is what loads Matplotlib."""

import base64
import io

import matplotlib.figure
import matplotlib.pyplot as plt

_CSS_PIXELS_PER_INCH = 100  # shown smaller than it is stored, so that it stays sharp on a phone


class Figure(matplotlib.figure.Figure):
    """A Matplotlib Figure that a notebook shows once.

    A figure that is both a cell's value and known to pyplot would be shown twice; one that is not known to pyplot would be
    shown only as a cell's last value.
    """

    def mimebundle(self) -> tuple[dict, dict]:
        """What a notebook stores of the figure: its data and its metadata, by MIME type."""
        file = io.BytesIO()
        # no version in the file: the same figure gives the same bytes
        self.savefig(file, format="png", dpi=self.dpi, metadata={"Software": None})
        width, height = (round(inches * _CSS_PIXELS_PER_INCH) for inches in self.get_size_inches())
        bundle = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": str(self)}
        return bundle, {"image/png": {"width": width, "height": height}}

    def _ipython_display_(self):
        from IPython.display import display

        data, metadata = self.mimebundle()
        display(data, raw=True, metadata=metadata)
        plt.close(self)


def new_figure(width: float, height: float, *, layout: str = "constrained") -> Figure:
    """An empty figure of the given size in inches, known to pyplot."""
    return plt.figure(FigureClass=Figure, figsize=(width, height), layout=layout)
