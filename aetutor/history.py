"""What a training run returns: one record an epoch, as a table and as a plot."""

from dataclasses import dataclass, field


@dataclass
class History:
    """Record of a training run.

    Attributes:
        records: one dict an epoch: "epoch" (from 1), "loss" and each loss term (mean over the training samples), the same
            with "val_" in front for the validation pass, "lr" (learning rate at the epoch's end), "seconds".
        stopped: why the run ended: "finished", "early" (early stopping), "callback", "interrupted" (Ctrl-C).
        best_epoch: epoch with the lowest monitored validation value; None without validation data.
        restored: True if the model holds the weights of `best_epoch` rather than of the last epoch.
    """

    records: list[dict] = field(default_factory=list)
    stopped: str = "finished"
    best_epoch: int | None = None
    restored: bool = False

    def __len__(self):
        return len(self.records)

    def __getitem__(self, name: str) -> list[float]:
        """Values of one column, an entry an epoch."""
        if name not in self.columns:
            raise KeyError(f"{name!r} was not recorded; recorded: {', '.join(self.columns)}")
        return [record[name] for record in self.records]

    @property
    def columns(self) -> list[str]:
        """Names of the recorded values."""
        return list(self.records[0]) if self.records else []

    @property
    def terms(self) -> list[str]:
        """Names of the loss terms, the total left out."""
        own = {"epoch", "loss", "lr", "seconds"}
        return [c for c in self.columns if c not in own and not c.startswith("val_")]

    def table(self, every: int = 1) -> str:
        """The records as aligned text, each `every`-th epoch and always the last."""
        if not self.records:
            return "no epoch was finished"
        shown = [r for i, r in enumerate(self.records, 1) if i % every == 0 or i == len(self.records)]
        cells = [self.columns] + [[_text(v) for v in r.values()] for r in shown]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        return "\n".join("  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in cells)

    def plot(self):
        """A Figure with one curve a term (aetutor.plots.history)."""
        from . import plots

        return plots.history(self)

    def __repr__(self):
        last = ", ".join(f"{k}={_text(v)}" for k, v in self.records[-1].items()) if self.records else "no epoch"
        return f"History({len(self)} epochs, {self.stopped}; last: {last})"


def _text(value) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4g}"
