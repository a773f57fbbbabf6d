"""`fit`: one `keras.Model.fit`, with the batches, the optimizer and the callback that make it the twin of the torch loop.

What is decided per epoch (records, early stopping, checkpoints) is in aetutor.training_plan and shared with PyTorch; what is
decided per step is here, and in Autoencoder.compute_loss.
"""

import contextlib
import math
import time
import warnings

import keras
import numpy as np
from keras import ops

from .. import constants, training_plan, validation
from ..training_plan import Plan, ProgressBar, Run, show_progress
from . import noise
from .data import Batches, ResidentBatches, resident
from .inference import evaluation, model_of, sample_shape
from .saving import set_weights, weights

STEPS_PER_EXECUTION = 16  # TensorFlow takes so many steps before it comes back to Python
JIT_STEPS = 100  # steps of an epoch from which XLA's seconds of compiling are worth it, on a GPU


def fit(
    model,
    x,
    *,
    val=None,
    epochs=10,
    batch_size=256,
    lr=1e-3,
    seed=0,
    weight_decay=0.0,
    clip_norm=None,
    schedule="constant",
    warmup=0.0,
    early_stopping=None,
    monitor="loss",
    callbacks=(),
    checkpoint=None,
    resume=None,
    device="auto",
    precision="float32",
    progress="auto",
):
    """Train `model` on x with Adam, from the weights it has.

    The loss of a step is the mean over its batch of the sum of `model.loss_terms`. The same data, arguments, versions,
    thread count and device give the same weights, byte for byte; so does a run that was killed and resumed. The model is
    compiled anew by each call.

    Args:
        model: is trained in place.
        x: array or memory map, (N, *D), images (N, H, W, C), float, finite, within the likelihood's support; or an iterable
            of such batches that can be iterated once an epoch. A memory map is read batch by batch.
        val: validation data in the same form; scored after each epoch with the training objective.
        epochs: passes over x.
        batch_size: samples in a step; an iterable brings its own.
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
        device: "auto", or a Keras device such as "cpu" or "gpu:0".
        precision: "float32", or "bfloat16" for the layers' computations (weights and loss stay float32).
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
    x = validation.samples("x", x, shape=sample_shape(model_of(model)), likelihood=model.likelihood)
    first = next(iter(x)) if isinstance(x, validation.Batches) else x
    if val is not None:
        val = validation.samples("val", val, shape=first.shape[1:], likelihood=model.likelihood)
    with on(device), computing_in(model, plan.precision), noise.kept_global():
        model.sample_shape = first.shape[1:]
        engine = Engine(model, x, plan)
        run = Run(plan, model, engine)
        run.resume()
        bar = ProgressBar(show_progress(plan.progress), done=run.epoch * (engine.steps or 0), total=engine.total_steps)
        try:
            engine.train(run, [EpochEnds(run, engine, val, bar), *([Steps(bar)] if bar.bar is not None else [])])
            return run.finish()
        except KeyboardInterrupt:
            engine.synchronise()
            return run.finish(interrupted=True)
        finally:
            bar.close()


class Engine:
    """One run's model, optimizer and batches; the Keras side of aetutor.training_plan.Run."""

    is_main = True  # Keras trains in one process here

    def __init__(self, model, x, plan):
        self.model, self.x, self.plan = model, x, plan
        self.streamed = isinstance(x, validation.Batches)
        self.steps = None if self.streamed else math.ceil(len(x) / plan.batch_size)
        if self.streamed and plan.schedule == "cosine":
            raise ValueError("schedule='cosine' needs the number of steps; x is an iterable of batches. Pass an array.")
        self.identity = {
            "framework": "keras",
            "backend": keras.backend.backend(),
            "class": type(model).__name__,
            "samples": None if self.streamed else len(x),
        }
        rate = Cosine(plan.lr, self.total_steps, plan.warmup) if plan.schedule == "cosine" else plan.lr
        options = {
            "beta_1": constants.ADAM_BETAS[0],
            "beta_2": constants.ADAM_BETAS[1],
            "epsilon": constants.ADAM_EPSILON,
            "weight_decay": plan.weight_decay or None,  # decoupled in Keras, which makes it AdamW
            "global_clipnorm": plan.clip_norm,
        }
        players = model.players().values()
        training_plan.check_players(plan, model, model.trainable_variables, [own for own, _ in players])
        if len(players) == 1:
            self.optimizer = keras.optimizers.Adam(rate, **options)
        else:
            self.optimizer = AdamOfPlayers(rate, **options)
            self.optimizer.set_players(players)
        self.optimizer.build(model.trainable_variables)
        noise.seed_training(model, plan.seed)

    @property
    def total_steps(self):
        """Steps of the whole run, None if unknown."""
        return None if self.steps is None else self.steps * self.plan.epochs

    def train(self, run, callbacks):
        """Train the epochs that are left: one call of Keras' fit, or for an iterable of unknown length one call an epoch."""
        if run.over:
            return
        self.model.compile(self.optimizer, **compile_flags(self.steps))
        options = {"epochs": self.plan.epochs, "shuffle": False, "verbose": 0, "callbacks": callbacks}
        if self.streamed:
            while not run.over:
                self._train_epoch_of_stream(options | {"initial_epoch": run.epoch, "epochs": run.epoch + 1})
        elif resident(self.x):
            data = ResidentBatches(self.x, batch_size=self.plan.batch_size, seed=self.plan.seed)
            shuffle = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: data.shuffle(epoch))
            options["callbacks"] = [shuffle, *callbacks]
            self.model.fit(data.dataset, initial_epoch=run.epoch, **options)
        else:
            data = Batches(self.x, batch_size=self.plan.batch_size, seed=self.plan.seed, epoch=run.epoch)
            self.model.fit(data, initial_epoch=run.epoch, **options)

    def _train_epoch_of_stream(self, options):
        problems = []

        def stream():
            try:
                for batch in self.x:
                    yield (np.asarray(batch, dtype=np.float32),)  # (B, *D)
            except Exception as error:
                problems.append(error)
                raise

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Your input ran out of data")  # that is how an epoch ends
            try:
                self.model.fit(stream(), **options)
            except Exception:
                if problems:  # TensorFlow wraps what a generator raises in a page of its own text
                    raise problems[0] from None
                raise

    def rate(self, scale):
        """Learning rate of the last step taken."""
        last = int(self.optimizer.iterations) - 1
        return scale * self.plan.rate(last, self.total_steps)

    def weights(self):
        """NumPy copies of the model's weights."""
        return weights(self.model)

    def set_weights(self, arrays):
        """Undo `weights`."""
        self.synchronise()
        set_weights(self.model, arrays)

    def state(self):
        """NumPy copies of the optimizer's variables and of the states of all seed generators."""
        return {name: np.array(ops.convert_to_numpy(v)) for name, v in self._state_variables().items()}

    def set_state(self, arrays):
        """Undo `state`."""
        for name, variable in self._state_variables().items():
            variable.assign(arrays[name])

    def synchronise(self):
        """Bring back the weights that JAX keeps outside the model while it trains; the other backends have none outside."""
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()

    def _state_variables(self):
        optimizer = {f"optimizer/{i}": v for i, v in enumerate(self.optimizer.variables)}
        return optimizer | {f"noise/{i}": v for i, v in enumerate(noise.states(self.model))}


@keras.saving.register_keras_serializable("aetutor")
class AdamOfPlayers(keras.optimizers.Adam):
    """Adam for players that step together: each has a learning rate, a decay and a gradient norm to clip of its own.

    Adam treats each weight alone, so it is the same as one Adam a player. The arguments are Adam's; `set_players` follows.
    """

    players = None

    def set_players(self, players):
        """Who plays: pairs (weights, learning rate over the optimizer's)."""
        self.players = {self._var_key(v): i for i, (own, _) in enumerate(players) for v in own}
        self.factors = [factor for _, factor in players]

    def _player(self, variable):
        if self.players is None:  # read from a file, which does not hold them
            raise ValueError("optimizer: call optimizer.set_players(model.players().values()) first, as `fit` does.")
        return self.players[self._var_key(variable)]

    def _backend_apply_gradients(self, grads, trainable_variables):
        owners = [self._player(v) for v in trainable_variables]
        if self.global_clipnorm is not None:
            squared = dict.fromkeys(owners, 0.0)
            for owner, g in zip(owners, grads, strict=True):
                squared[owner] += ops.sum(ops.square(g))
            scales = {i: self.global_clipnorm / ops.maximum(ops.sqrt(s), self.global_clipnorm) for i, s in squared.items()}
            grads = [g * scales[owner] for owner, g in zip(owners, grads, strict=True)]
        super()._backend_apply_gradients(grads, trainable_variables)

    def _clip_gradients(self, grads):
        return grads  # done above, where the players are known

    def _apply_weight_decay(self, variables):
        for v in variables if self.weight_decay is not None else ():
            rate = self.learning_rate * self.factors[self._player(v)]
            v.assign(v - v * (self.weight_decay * rate))

    def update_step(self, gradient, variable, learning_rate):
        """Adam's step with the player's rate."""
        super().update_step(gradient, variable, learning_rate * self.factors[self._player(variable)])


class EpochEnds(keras.callbacks.Callback):
    """Hands each finished epoch to the Run, and does what it decides."""

    def __init__(self, run, engine, val, bar):
        super().__init__()
        self.run, self.engine, self.val, self.bar = run, engine, val, bar

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock and the epoch's random stream; set the rate that the plateau schedule has come to."""
        self.start = time.perf_counter()
        noise.seed_epoch(self.run.plan.seed, epoch)
        if self.run.plan.schedule == "plateau":
            self.engine.optimizer.learning_rate.assign(self.run.plan.lr * self.run.rate_scale)

    def on_epoch_end(self, epoch, logs=None):
        """Validate, record, and stop if the run is over."""
        model, run = self.model, self.run  # on JAX, reading self.model brings back the trained weights
        means = {name: float(logs[name]) for name in ("loss", *model.term_means)}
        record = {"epoch": epoch + 1} | means | {"lr": self.engine.rate(run.rate_scale)}
        if self.val is not None:
            record |= {f"val_{k}": v for k, v in evaluation(model, self.val, seed=run.plan.seed).items()}
        settings = model.settings()
        run.end_epoch(record | {"seconds": time.perf_counter() - self.start})
        self.bar.epoch(run.history.records[-1], run.plan.epochs)
        if model.settings() != settings:  # a callback changed beta, say, which compiled code holds as a constant
            model.make_train_function(force=True)
        model.stop_training = run.over


class Steps(keras.callbacks.Callback):
    """Moves the progress bar."""

    def __init__(self, bar):
        super().__init__()
        self.bar = bar

    def on_train_batch_begin(self, batch, logs=None):
        """Remember where the steps that are about to be taken begin."""
        self.begin = batch

    def on_train_batch_end(self, batch, logs=None):
        """Count them; the last of an epoch may be fewer than Keras says."""
        steps = self.params.get("steps")
        self.bar.advance(min(batch + 1, steps or batch + 1) - self.begin)


@keras.saving.register_keras_serializable("aetutor")
class Cosine(keras.optimizers.schedules.LearningRateSchedule):
    """training_plan.learning_rate for schedule="cosine", as a function of the step that Keras can compile."""

    def __init__(self, lr, total, warmup):
        super().__init__()
        self.lr, self.total, self.warmup = lr, total, warmup

    def __call__(self, step):
        """Learning rate at `step`, counted from 0."""
        warm = math.ceil(self.warmup * self.total)
        step = ops.cast(step, "float32")
        rising = self.lr * (step + 1) / max(1, warm)
        falling = self.lr * 0.5 * (1 + ops.cos(math.pi * (step - warm) / max(1, self.total - warm)))
        return ops.where(step < warm, rising, falling)

    def get_config(self):
        """The constructor's arguments."""
        return {"lr": self.lr, "total": self.total, "warmup": self.warmup}


def compile_flags(steps=None):
    """What `fit` passes to `compile` beside the optimizer, on this backend, for epochs of so many steps (None: unknown).

    The rule asks for the steps of an epoch, not of the run, so that a resumed run is compiled like the first one. TensorFlow
    leaves XLA off on processors: for dense, convolutional and attention layers of this book's sizes its steps are as slow
    as those without it, or slower, and compiling costs 3 to 15 seconds a model.
    """
    if keras.backend.backend() == "tensorflow":
        long = steps is None or steps >= JIT_STEPS
        jit = long and bool(keras.distribution.list_devices("gpu"))
        return {"jit_compile": jit, "steps_per_execution": STEPS_PER_EXECUTION}
    return {"jit_compile": keras.backend.backend() == "jax"}  # torch.compile costs more than it gives at these sizes


def on(device):
    """Context in which Keras computes on `device`; "auto" leaves the choice to Keras."""
    if not isinstance(device, str):
        raise TypeError(
            f"device must be 'auto' or a Keras device such as 'cpu' or 'gpu:0'; got {validation.describe(device)}."
        )
    if device == "auto":
        return contextlib.nullcontext()
    problem = None
    try:
        with keras.device(device):
            ops.zeros(1)
        if keras.backend.backend() != "torch":  # TensorFlow would silently take another device
            known = keras.distribution.list_devices()
            if (device if ":" in device else f"{device}:0") not in known:
                problem = f"there is {', '.join(known)}"
    except Exception as error:  # each backend has its own kinds
        problem = str(error)
    if problem is not None:
        raise ValueError(f"device={device!r} is not available here: {problem}. Accepted: 'auto', 'cpu', ...")
    return keras.device(device)


@contextlib.contextmanager
def computing_in(model, precision):
    """Let the layers compute in bfloat16 for a while, with float32 weights (Keras' policy "mixed_bfloat16")."""
    if precision == "float32":
        yield
        return
    layers = list(model._flatten_layers())
    before = [layer.dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer.dtype_policy = "mixed_bfloat16"
        yield
    finally:
        for layer, policy in zip(layers, before, strict=True):
            layer.dtype_policy = policy
        model.train_function = model.test_function = model.predict_function = None  # they were compiled for bfloat16
