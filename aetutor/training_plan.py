"""What `fit` means in both frameworks: its arguments, the schedule, and what happens between two epochs.

The two `training.py` files differ in how they take a step. Everything they must agree on is here, once.
"""

import math
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np

from . import checkpoints, validation
from .history import History

SCHEDULES = ("constant", "cosine", "plateau")
PRECISIONS = ("float32", "bfloat16")
PLATEAU_PATIENCE = 5  # epochs without a better validation loss before the rate is halved
PLATEAU_FACTOR = 0.5
CHECKPOINT_KIND = "training checkpoint"


class TrainingDiverged(ArithmeticError):
    """A loss term became NaN or infinite. The model holds its best weights; `history` has the epochs before."""

    def __init__(self, message: str, history: History):
        super().__init__(message)
        self.history = history


@dataclass(frozen=True)
class Plan:
    """The validated arguments of `fit`, as documented there."""

    epochs: int
    batch_size: int
    lr: float
    seed: int
    weight_decay: float
    clip_norm: float | None
    schedule: str
    warmup: float
    early_stopping: int | None
    monitor: str
    callbacks: tuple[Callable, ...]
    checkpoint: Path | None
    resume: Path | None
    precision: str
    progress: bool | str
    validated: bool = field(default=False)  # whether the run has validation data

    #: Arguments that a resumed run must share with the run that wrote the checkpoint.
    FIXED = ("batch_size", "lr", "seed", "weight_decay", "clip_norm", "schedule", "warmup", "precision", "monitor")

    def __post_init__(self):
        """Validate every argument, so that a wrong one is refused before anything is trained."""
        check, put = validation, lambda name, value: object.__setattr__(self, name, value)
        put("epochs", check.integer("epochs", self.epochs, low=1))
        put("batch_size", check.integer("batch_size", self.batch_size, low=1))
        put("lr", check.real("lr", self.lr, above=0))
        put("seed", check.integer("seed", self.seed, low=0, high=2**31 - 1))
        put("weight_decay", check.real("weight_decay", self.weight_decay, low=0))
        if self.clip_norm is not None:
            put("clip_norm", check.real("clip_norm", self.clip_norm, above=0))
        check.one_of("schedule", self.schedule, SCHEDULES)
        put("warmup", check.real("warmup", self.warmup, low=0, high=1))
        check.one_of("precision", self.precision, PRECISIONS)
        if self.warmup and self.schedule != "cosine":
            raise ValueError(f'warmup={self.warmup:g} needs schedule="cosine"; got schedule={self.schedule!r}.')
        if self.early_stopping is not None:
            put("early_stopping", check.integer("early_stopping", self.early_stopping, low=1))
        if not isinstance(self.monitor, str):
            raise TypeError(f"monitor must be 'loss' or the name of a loss term; got {validation.describe(self.monitor)}.")
        for name, given in (
            ("early_stopping", self.early_stopping is not None),
            ("schedule", self.schedule == "plateau"),
            ("monitor", self.monitor != "loss"),
        ):
            if given and not self.validated:
                raise ValueError(f"{name}={getattr(self, name)!r} watches the validation loss; pass val=.")
        put("callbacks", tuple(self.callbacks) if isinstance(self.callbacks, list | tuple) else (self.callbacks,))
        for callback in self.callbacks:
            if not callable(callback):
                raise TypeError(
                    f"callbacks must be functions f(record, model) -> bool or None; got {validation.describe(callback)}."
                )
        for name in ("checkpoint", "resume"):
            if getattr(self, name) is not None:
                put(name, check.file_path(name, getattr(self, name), suffixes=(".safetensors",)))
        if self.progress not in (True, False, "auto"):
            raise ValueError(f"progress must be True, False or 'auto'; got {validation.describe(self.progress)}.")

    def rate(self, step: int, total: int) -> float:
        """Learning rate of training step `step` (from 0) of `total`; the plateau schedule scales it further."""
        return learning_rate(self.schedule, step, total=total, lr=self.lr, warmup=self.warmup)


def learning_rate(schedule: str, step: int, *, total: int, lr: float, warmup: float = 0.0) -> float:
    """Learning rate at training step `step`, counted from 0.

        constant, plateau:  lr
        cosine:             lr (t + 1) / w                              for t < w, w = ceil(warmup total)
                            lr (1 + cos(pi (t - w) / (total - w))) / 2  afterwards

    Source: Loshchilov and Hutter (2017), SGDR, without restarts.
    """
    if schedule != "cosine":
        return lr
    warm = math.ceil(warmup * total)
    if step < warm:
        return lr * (step + 1) / warm
    return lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def two_players(weights, discriminator, rate: float) -> dict:
    """What `players()` of a model with a discriminator gives: the rest at the learning rate of `fit`, it at `rate` times it.

    Args:
        weights: all that are trained.
        discriminator: the discriminator's.
        rate: its learning rate over that of `fit`.
    """
    theirs = list(discriminator)
    rest = [weight for weight in weights if all(weight is not other for other in theirs)]
    return {"autoencoder": (rest, 1.0), "discriminator": (theirs, rate)}


def check_players(plan: Plan, model, weights, players) -> None:
    """Refuse players that do not have each trained weight once, and a sum of opposing losses as what a run watches.

    Args:
        plan: the arguments of `fit`.
        model: named in the error.
        weights: what is trained.
        players: the weights of each player.
    """
    if sorted(map(id, weights)) != sorted(id(weight) for own in players for weight in own):
        raise ValueError(
            f"model: players() of {type(model).__name__} gives {sum(map(len, players))} weights, of {len(weights)} that are "
            "trained; each must be one player's."
        )
    if len(players) > 1 and plan.monitor == "loss" and (plan.early_stopping is not None or plan.schedule == "plateau"):
        raise ValueError(
            f"monitor='loss' adds up what the players of {type(model).__name__} work against each other for, so a lower one "
            "says nothing; name one of its terms, such as monitor='reconstruction'."
        )


def show_progress(progress: bool | str) -> bool:
    """Whether a progress bar is drawn: "auto" means in a terminal or a notebook, not under a test or in a pipe."""
    if progress != "auto":
        return bool(progress)
    if os.environ.get("AETUTOR_QUIET") or "PYTEST_CURRENT_TEST" in os.environ:
        return False
    return sys.stderr.isatty() or "ipykernel" in sys.modules


class ProgressBar:
    """A bar over all steps of a run, on stderr; a no-op when it is not to be seen."""

    def __init__(self, shown: bool, *, done: int, total: int | None):
        self.bar = None
        if shown:
            from tqdm import tqdm

            self.bar = tqdm(total=total, initial=done, unit="batch", leave=True, dynamic_ncols=True, file=sys.stderr)

    def advance(self, steps: int = 1):
        """Count steps."""
        if self.bar is not None:
            self.bar.update(steps)

    def epoch(self, record: dict, epochs: int):
        """Write an epoch's losses behind the bar."""
        if self.bar is not None:
            self.bar.set_description(f"epoch {record['epoch']}/{epochs}", refresh=False)
            self.bar.set_postfix({k: f"{record[k]:.4g}" for k in ("loss", "val_loss") if k in record})

    def close(self):
        """Leave the bar as it is."""
        if self.bar is not None:
            self.bar.close()


class Run:
    """What happens between two epochs: records, divergence, best weights, early stopping, plateau, checkpoints, callbacks.

    Args:
        plan: the arguments of `fit`.
        model: handed to the callbacks.
        engine: the framework's side, with
            weights() -> dict of NumPy copies; set_weights(dict);
            state() -> dict of the optimiser's and the random generators' arrays; set_state(dict);
            identity: JSON-serialisable dict that a checkpoint must share (framework, class, number of samples);
            is_main: whether this process writes files and prints.
    """

    def __init__(self, plan: Plan, model, engine):
        self.plan, self.model, self.engine = plan, model, engine
        self.history = History()
        self.progress_of_monitor = {"best": None, "waited": 0, "flat": 0, "scale": 1.0}
        self.best = None  # weights of the best epoch, of the last one without validation data
        self.initial = engine.weights()

    @property
    def epoch(self) -> int:
        """Number of finished epochs."""
        return len(self.history)

    @property
    def rate_scale(self) -> float:
        """Factor on the learning rate from the plateau schedule."""
        return self.progress_of_monitor["scale"]

    @property
    def over(self) -> bool:
        """Whether no further epoch is to be trained."""
        return self.epoch >= self.plan.epochs or self.history.stopped in ("early", "callback")

    def end_epoch(self, record: dict) -> None:
        """Take in one epoch's record; raises TrainingDiverged if a value is not finite."""
        last = {name: record.pop(name) for name in ("lr", "seconds") if name in record}
        record |= last  # the losses come first
        self._refuse_divergence(record)
        self._watch(record)
        self.history.records.append(record)
        for callback in self.plan.callbacks:
            if callback(record, self.model):
                self.history.stopped = "callback"
        if self.plan.checkpoint is not None and self.engine.is_main:
            self.save()

    def finish(self, *, interrupted: bool = False) -> History:
        """Close the run: after early stopping the best weights are put back."""
        if interrupted:
            self.history.stopped = "interrupted"
            if self.engine.is_main:
                print(f"interrupted in epoch {self.epoch + 1}: the weights so far and {self.epoch} epochs are returned")
        elif self.plan.early_stopping is not None and self.best is not None:
            self.engine.set_weights(self.best)
            self.history.restored = True
        return self.history

    def save(self) -> None:
        """Write the checkpoint atomically."""
        tensors = {f"weights/{k}": v for k, v in self.engine.weights().items()}
        tensors |= {f"state/{k}": v for k, v in self.engine.state().items()}
        if self.plan.validated:  # otherwise the best weights are the last
            tensors |= {f"best/{k}": v for k, v in (self.best or {}).items()}
        meta = {
            "kind": CHECKPOINT_KIND,
            "identity": self.engine.identity,
            "plan": {name: getattr(self.plan, name) for name in (*Plan.FIXED, "epochs")},
            "history": asdict(self.history),
            "monitor": self.progress_of_monitor,
        }
        checkpoints.write(self.plan.checkpoint, tensors, meta)

    def resume(self) -> None:
        """Continue from the checkpoint at `resume=`, or say that there is none."""
        path = self.plan.resume
        if self.plan.checkpoint is not None and self.engine.is_main:
            checkpoints.check_writable("checkpoint", self.plan.checkpoint)
            checkpoints.sweep(self.plan.checkpoint)
        if path is None:
            return
        if not path.exists():
            if self.engine.is_main:
                print(f"resume: there is no checkpoint at {path}; training starts from zero")
            return
        tensors, meta = checkpoints.read(path, kind=CHECKPOINT_KIND, name="resume")
        self._refuse_other_run(path, meta)
        groups = {"weights": {}, "state": {}, "best": {}}
        for key, value in tensors.items():
            group, name = key.split("/", 1)
            groups[group][name] = value
        checkpoints.check_same_tensors("resume", path, groups["weights"], self.initial)
        self.engine.set_weights(groups["weights"])
        self.engine.set_state(groups["state"])
        self.best = groups["best"] or groups["weights"]
        self.history = History(**meta["history"])
        if self.history.stopped != "early":  # a callback that ended that run may think otherwise in this one
            self.history.stopped = "finished"
        self.progress_of_monitor = meta["monitor"]
        if self.engine.is_main:
            print(f"resume: {self.epoch} of {self.plan.epochs} epochs are done in {path}")

    def _watch(self, record):
        """Compare the monitored validation value with the best so far."""
        if not self.plan.validated:
            weights = self.engine.weights()
            spoilt = [name for name, value in weights.items() if not np.isfinite(value).all()]
            if spoilt:  # by the epoch's last step, whose own loss was still finite
                self._diverged(f"the weights {spoilt[0]} became NaN or infinite in epoch {record['epoch']}")
            self.best = weights  # the last good ones
            return
        name = f"val_{self.plan.monitor}"
        if name not in record:
            accepted = [c[4:] for c in record if c.startswith("val_")]
            self.engine.set_weights(self.initial)
            raise ValueError(
                f"monitor={self.plan.monitor!r} was not recorded; accepted: {', '.join(map(repr, accepted))}."
                f"{validation.nearest(self.plan.monitor, accepted)}"
            )
        state = self.progress_of_monitor
        if state["best"] is None or record[name] < state["best"]:
            state.update(best=record[name], waited=0, flat=0)
            self.best, self.history.best_epoch = self.engine.weights(), record["epoch"]
            return
        state["waited"] += 1
        state["flat"] += 1
        if self.plan.schedule == "plateau" and state["flat"] >= PLATEAU_PATIENCE:
            state.update(flat=0, scale=state["scale"] * PLATEAU_FACTOR)
        if self.plan.early_stopping is not None and state["waited"] >= self.plan.early_stopping:
            self.history.stopped = "early"

    def _refuse_divergence(self, record):
        """Stop on a value that is not finite, with the best weights so far put back."""
        bad = [k for k, v in record.items() if k not in ("epoch", "seconds") and not math.isfinite(v)]
        if not bad:
            return
        terms = [k for k in bad if k not in ("loss", "val_loss")] or bad
        self._diverged(f"{' and '.join(terms)} became {record[terms[0]]} in epoch {record['epoch']}")

    def _diverged(self, what):
        self.engine.set_weights(self.best or self.initial)
        kept = f"epoch {self.history.best_epoch or len(self.history)}" if self.best else "the start"
        raise TrainingDiverged(
            f"{what}; the model holds the weights of {kept}. Try a smaller lr than {self.plan.lr:g}, or clip_norm=1.0; "
            "check the data's scale.",
            self.history,
        )

    def _refuse_other_run(self, path, meta):
        for name, value in self.engine.identity.items():
            if meta["identity"].get(name) != value:
                raise ValueError(
                    f"resume: {str(path)!r} was written with {name}={meta['identity'].get(name)!r}; this run has {value!r}."
                )
        fixed = Plan.FIXED + (("epochs",) if self.plan.schedule == "cosine" else ())
        for name in fixed:
            if meta["plan"].get(name) != getattr(self.plan, name):
                raise ValueError(
                    f"{name}={getattr(self.plan, name)!r} differs from the {meta['plan'].get(name)!r} of the checkpoint "
                    f"{str(path)!r}; a resumed run keeps it."
                )


FIT_ARGUMENTS = tuple(f.name for f in fields(Plan) if f.name != "validated")
