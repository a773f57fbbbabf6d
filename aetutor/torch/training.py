"""`fit`: an ordinary training loop.

What is decided per epoch (records, early stopping, checkpoints) is in aetutor.training_plan and shared with Keras; what is
decided per step is here. Device and processes come from Accelerate, so the same script runs under `torchrun`.
"""

import contextlib
import functools
import os
import time
import warnings

import numpy as np
import torch
from torch import Tensor, nn

from .. import constants, training_plan, validation
from ..batching import DROPOUT, NOISE, stream_seed
from ..history import History
from ..training_plan import Plan, ProgressBar, Run, show_progress
from .autoencoder import Autoencoder
from .data import Batches
from .inference import evaluation_sums, means, model_of
from .saving import set_weights, weights


def fit(
    model: Autoencoder,
    x,
    *,
    val=None,
    epochs: int = 10,
    batch_size: int = 256,
    lr: float = 1e-3,
    seed: int = 0,
    weight_decay: float = 0.0,
    clip_norm: float | None = None,
    schedule: str = "constant",
    warmup: float = 0.0,
    early_stopping: int | None = None,
    monitor: str = "loss",
    callbacks=(),
    checkpoint=None,
    resume=None,
    device: str = "auto",
    precision: str = "float32",
    progress: bool | str = "auto",
) -> History:
    """Train `model` on x with Adam, from the weights it has.

    The loss of a step is the mean over its batch of the sum of `model.loss_terms`. The same data, arguments, versions,
    thread count and device give the same weights, byte for byte; so does a run that was killed and resumed.

    Args:
        model: is trained in place.
        x: array or memory map, (N, *D), images (N, H, W, C), float, finite, within the likelihood's support; or an iterable
            of such batches that can be iterated once an epoch. A memory map is read batch by batch.
        val: validation data in the same form; scored after each epoch with the training objective.
        epochs: passes over x.
        batch_size: samples in a step, over all processes; an iterable brings its own.
        lr: learning rate, > 0.
        seed: of the batch order and of all noise, >= 0.
        weight_decay: decoupled (AdamW), >= 0.
        clip_norm: largest norm of the whole gradient, of each player's if there are several, or None.
        schedule: "constant"; "cosine" to 0; "plateau": halved after 5 epochs without a better validation loss.
        warmup: share of all steps over which "cosine" first rises to lr.
        early_stopping: stop after so many epochs without a better validation value and restore the best weights.
        monitor: "loss" or the loss term that early stopping and "plateau" watch.
        callbacks: functions f(record, model), called after each epoch; one that returns True ends the run.
        checkpoint: file (.safetensors) written after each epoch, atomically.
        resume: checkpoint to continue from; if it does not exist, training starts from zero and says so.
        device: "auto", or a torch device such as "cpu" or "cuda:0".
        precision: "float32", or "bfloat16" for the matrix products (weights stay float32).
        progress: True, False, or "auto": in a terminal or a notebook.

    Returns:
        History. Ctrl-C ends the run and returns what there is.

    Raises:
        TypeError, ValueError: an argument is refused; nothing was trained.
        TrainingDiverged: a loss term became NaN or infinite; the model holds its best weights.
    """
    plan = Plan(
        epochs=epochs, batch_size=batch_size, lr=lr, seed=seed, weight_decay=weight_decay, clip_norm=clip_norm,
        schedule=schedule, warmup=warmup, early_stopping=early_stopping, monitor=monitor, callbacks=callbacks,
        checkpoint=checkpoint, resume=resume, precision=precision, progress=progress, validated=val is not None,
    )  # fmt: skip
    x = validation.samples("x", x, shape=model_of(model).sample_shape, likelihood=model.likelihood)
    shape = tuple(x.shape[1:]) if isinstance(x, np.ndarray) else model.sample_shape
    if val is not None:
        val = validation.samples("val", val, shape=shape, likelihood=model.likelihood)
    engine = Engine(model, x, val, plan, device)
    run = Run(plan, model, engine)
    run.resume()
    bar = ProgressBar(
        show_progress(plan.progress) and engine.is_main, done=run.epoch * (engine.steps or 0), total=engine.total_steps
    )
    training = model.training
    try:
        # dropout is seeded below; the caller's generator is not touched
        with torch.random.fork_rng(engine.generator_devices), flushed_denormals():
            while not run.over:
                start = time.perf_counter()
                record = engine.train_epoch(run.epoch, run.rate_scale, bar)
                if val is not None:
                    record |= {f"val_{name}": value for name, value in engine.validate().items()}
                model.sample_shape = shape  # now that an epoch has shown that the model takes it
                run.end_epoch(record | {"seconds": time.perf_counter() - start})
                bar.epoch(run.history.records[-1], plan.epochs)
        return run.finish()
    except KeyboardInterrupt:
        return run.finish(interrupted=True)
    finally:
        bar.close()
        model.noise.begin(None)
        model.train(training)


@contextlib.contextmanager
def flushed_denormals():
    """Round numbers below 1e-38 to 0 on the CPU, as TensorFlow does, until the end of the run.

    The gradient of a pixel that is always black shrinks towards 0 without reaching it; Adam squares it, and arithmetic on
    such tiny numbers is over ten times slower.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


class Objective(nn.Module):
    """Loss terms of a batch as one module, so that what wraps a module for several processes sees all of it."""

    def __init__(self, model: Autoencoder, precision: str, device: torch.device):
        super().__init__()
        self.model, self.half = model, precision == "bfloat16"
        self.arithmetic = torch.autocast(device.type, torch.bfloat16) if self.half else contextlib.nullcontext()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Terms of x, each (B,); float32 whatever the precision, since a KL of bfloat16 numbers keeps two digits."""
        with self.arithmetic:
            out = self.model(x)
        if self.half:
            out = {name: value.float() if value.is_floating_point() else value for name, value in out.items()}
        return self.model.loss_terms(x, out)


class Engine:
    """One run's model, optimiser, data and device; the torch side of aetutor.training_plan.Run."""

    def __init__(self, model: Autoencoder, x, val, plan: Plan, device: str):
        self.model, self.val, self.plan = model, val, plan
        self.device, self.rank, self.world = place(device)
        self.is_main = self.rank == 0
        model.to(self.device)
        self.objective = Objective(model, plan.precision, self.device)
        if self.world > 1:
            self.objective = distribute(self.objective, self.device)
        self.data = Batches(
            x, batch_size=plan.batch_size, seed=plan.seed, device=self.device, rank=self.rank, world=self.world
        )
        self.steps = self.data.steps
        if self.steps is None and plan.schedule == "cosine":
            raise ValueError("schedule='cosine' needs the number of steps; x is an iterable of batches. Pass an array.")
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in own if p.requires_grad], "factor": factor} for own, factor in model.players().values()
        ]
        training_plan.check_players(plan, model, self.parameters, [group["params"] for group in groups])
        self.optimizer = torch.optim.AdamW(
            groups,
            lr=plan.lr,
            betas=constants.ADAM_BETAS,
            eps=constants.ADAM_EPSILON,
            weight_decay=plan.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )
        self.identity = {
            "framework": "torch",
            "class": type(model).__name__,
            "samples": None if self.steps is None else len(x),
        }
        self.generator_devices = [self.device] if self.device.type == "cuda" else []

    @property
    def total_steps(self) -> int | None:
        """Steps of the whole run, None if unknown."""
        return None if self.steps is None else self.steps * self.plan.epochs

    def train_epoch(self, epoch: int, rate_scale: float, bar: ProgressBar) -> dict[str, float]:
        """Take the steps of `epoch`, counted from 0; returns the means of the terms over its samples."""
        plan, model, sums, samples = self.plan, self.model, {}, 0
        torch.manual_seed(stream_seed(plan.seed, DROPOUT, epoch, self.rank))
        model.train()
        for step, (batch, count) in enumerate(self.data.epoch(epoch)):
            rate = rate_scale * plan.rate(epoch * (self.steps or 0) + step, self.total_steps)
            for group in self.optimizer.param_groups:
                group["lr"] = rate * group["factor"]
            model.noise.begin((plan.seed, NOISE, epoch, step), self.data.share(count), count)
            terms = self.objective(batch)  # {name: (B,)}
            local = {name: term.sum() for name, term in terms.items()}
            if self.rank >= count:  # no row of this batch is ours: take part in the step with weight 0
                local = {name: 0.0 * value for name, value in local.items()}
            # the only mean over the batch; gradients are averaged over the processes, hence the factor
            loss = functools.reduce(torch.add, local.values()) * (self.world / count)
            for parameter in self.parameters:
                parameter.grad = None  # as optimizer.zero_grad does, without its records for the profiler
            loss.backward()
            if plan.clip_norm is not None:
                for group in self.optimizer.param_groups:
                    nn.utils.clip_grad_norm_(group["params"], plan.clip_norm)
            self.optimizer.step()
            for name, value in local.items():
                sums[name] = sums.get(name, 0) + value.detach()
            samples += count
            bar.advance()
        return {"epoch": epoch + 1} | means(self.all_reduce(sums), samples) | {"lr": rate}

    def validate(self) -> dict[str, float]:
        """Means of the terms over the validation data; the blocks of samples are dealt out to the processes."""
        sums, count = evaluation_sums(self.model, self.val, seed=self.plan.seed, rank=self.rank, world=self.world)
        sums = self.all_reduce(sums | {"count": torch.tensor(float(count), dtype=torch.float64, device=self.device)})
        return means(sums, int(sums.pop("count")))

    def all_reduce(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        """Sum each value over the processes."""
        if self.world == 1:
            return sums
        stacked = torch.stack([value.double() for value in sums.values()])
        torch.distributed.all_reduce(stacked)
        return dict(zip(sums, stacked, strict=True))

    def weights(self):
        """NumPy copies of the model's weights."""
        return weights(self.model)

    def set_weights(self, arrays):
        """Undo `weights`."""
        set_weights(self.model, arrays)

    def state(self):
        """NumPy copies of the optimiser's state. Noise and order need none: they follow from (seed, epoch, step)."""
        state = self.optimizer.state_dict()["state"]
        return {f"{i}/{name}": value.cpu().numpy().copy() for i, own in state.items() for name, value in own.items()}

    def set_state(self, arrays):
        """Undo `state`."""
        state = {}
        for key, value in arrays.items():
            index, name = key.split("/")
            state.setdefault(int(index), {})[name] = torch.from_numpy(value.copy())
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})


def place(device: str) -> tuple[torch.device, int, int]:
    """Device, rank and number of processes. Accelerate reads what `torchrun` set, and joins the processes."""
    with warnings.catch_warnings():  # its progress bars would like Jupyter widgets; ours do not need them
        warnings.filterwarnings("ignore", message="IProgress not found")
        from accelerate import PartialState  # imported here: it costs a tenth of a second

    if not isinstance(device, str | torch.device):
        raise TypeError(f"device must be 'auto' or a torch device; got {validation.describe(device)}.")
    if device != "auto":
        try:
            device = torch.device(device)
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            raise ValueError(
                f"device={str(device)!r} is not available here: {error}. Accepted: 'auto', 'cpu', ..."
            ) from None
    # Accelerate joins processes without a GPU only if told that they compute on the CPU
    on_cpu = str(device) == "cpu" or (device == "auto" and not torch.accelerator.is_available())
    state = PartialState(cpu=True) if on_cpu else PartialState()
    started = int(os.environ.get("WORLD_SIZE", 1))
    if state.num_processes != started:
        raise ValueError(
            f"device={str(device)!r}: {started} processes were started but {state.num_processes} joined, so each would "
            "train alone; pass the same device in each call of a script, such as device='cpu'."
        )
    if device == "auto":  # a single process asks anew: the state remembers the device of its first use
        device = state.device if state.num_processes > 1 else state.default_device
    return device, state.process_index, state.num_processes


def distribute(objective: Objective, device: torch.device) -> nn.Module:
    """Wrap for several processes: gradients are averaged over them. Batch norm would see a process' rows only."""
    for name, module in objective.model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not isinstance(module, nn.SyncBatchNorm):
            raise ValueError(
                f"model: {name} is a batch norm, whose statistics would differ between the processes; use norm='layer' "
                "or torch.nn.SyncBatchNorm.convert_sync_batchnorm (GPU only)."
            )
    return nn.parallel.DistributedDataParallel(objective, device_ids=[device] if device.type == "cuda" else None)
