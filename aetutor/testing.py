"""Checks to run on a variant: ours run them in CI, and a reader runs them on a class of their own.

    check_autoencoder(lambda: MyAutoencoder.mlp(64, latent_dim=4, seed=0), x)     # one framework
    check_parity(torch_model, keras_model, x)                                     # same weights, same noise, same numbers
    transplant_weights(source, target)                                            # from one framework to the other
    gradient_norms(model, x)                                                      # one number a layer

This is the only module that knows both frameworks. It imports a framework only when given a model of it.
"""

import importlib
import inspect

import numpy as np

from . import validation
from ._conformance import CHECKS, Conformance
from ._layouts import keras_layouts

VALUE_TOLERANCE = 1e-5  # of code, reconstruction and loss terms: max|a - b| / max|b|, float32 on a CPU
GRADIENT_TOLERANCE = 1e-4


def check_autoencoder(build, x, *, epochs: int = 3, batch_size: int = 16, lr: float = 3e-3) -> list[str]:
    """Run the conformance checks on a class.

    Args:
        build: function without arguments that returns a new model, the same each time (it sets the seed).
        x: data that suit the model, (N, *D), at least 40 samples.
        epochs, batch_size, lr: of the short training runs.

    Returns:
        The names of the checks that passed, in order.

    Raises:
        AssertionError: naming the check and what was found.
    """
    if not callable(build) or hasattr(build, "encode"):
        raise TypeError(
            "build must be a function that returns a new model, such as lambda: VAE.mlp(64, latent_dim=4, seed=0)."
        )
    x = validation.array("x", x)
    if len(x) < 40:
        raise ValueError(f"x must hold at least 40 samples, so that batches differ in size; got {len(x)}.")
    side = _side_of(build())
    options = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "seed": 0, "progress": False}
    conformance = Conformance(side, build, x, options)
    for name in CHECKS:
        try:
            getattr(conformance, name)()
        except AssertionError as error:
            raise AssertionError(f"{name.replace('_', ' ')}: {error}") from error
    return list(CHECKS)


def transplant_weights(source, target) -> None:
    """Copy all trained weights, and running averages, to a model's twin in the other framework (or to one of the same).

    Dense kernels are transposed, (in, out) to (out, in); convolution kernels go from (height, width, in, out) to
    (out, in, height, width), those of transposed convolutions from (height, width, out, in) to (in, out, height, width),
    and those over one axis alike. A GRU's gates change places, and its two biases become one array, (2, 3 units). An LSTM's
    second bias must be frozen, since Keras has one only; `backbones.recurrent_layer` sees to that. Images are flattened in
    NHWC order in both, so the dense layer after a flatten needs no more.

    Args:
        source: model whose weights are read.
        target: model with the same layers in the same order; is changed.

    Raises:
        ValueError: naming the first weight that does not match; the target is left as it was.
    """
    given, taken = _kept(source), _kept(target)
    if len(given) != len(taken):
        raise ValueError(f"source has {len(given)} weights and target {len(taken)}: they are no twins.")
    for (name, value), (other, old) in zip(given.items(), taken.items(), strict=True):
        if value.shape != old.shape:
            raise ValueError(f"source's {name} is {value.shape} and target's {other} {old.shape} (Keras layout).")
    _side_of(target).set_weights(target, dict(zip(taken, given.values(), strict=True)))


def _kept(model) -> dict[str, np.ndarray]:
    """Trained weights, then the state that training keeps beside them, in Keras layout."""
    side = _side_of(model)
    return side.weights(model) | side.state(model)


def check_parity(torch_model, keras_model, x, *, noise=None, transplant: bool = True) -> dict[str, float]:
    """Hold a PyTorch model and its Keras twin equal: code, reconstruction, each loss term, each gradient.

    Args:
        torch_model: the PyTorch model.
        keras_model: its Keras twin; gets the PyTorch weights unless transplant=False.
        x: data, (B, *D), in NumPy layout.
        noise: array for the models' `noise` argument, in NumPy layout; needed by stochastic models.
        transplant: whether to copy the weights first. False checks that both were built equal.

    Returns:
        Greatest max|a - b| / max|b| of each quantity, the gradients under "gradients".

    Raises:
        AssertionError: naming the quantity whose difference exceeds VALUE_TOLERANCE or GRADIENT_TOLERANCE.
    """
    x = validation.array("x", x)
    if transplant:
        transplant_weights(torch_model, keras_model)
    results = [_side_of(m).outputs_and_gradients(m, x, noise) for m in (torch_model, keras_model)]
    (outputs, gradients), (other_outputs, other_gradients) = results
    if outputs.keys() != other_outputs.keys():
        raise AssertionError(f"the models return different quantities: {sorted(outputs)} and {sorted(other_outputs)}")
    errors = {name: _difference(value, other_outputs[name]) for name, value in outputs.items()}
    pairs = zip(gradients.values(), other_gradients.values(), strict=True)
    errors["gradients"] = max(_difference(a, b) for a, b in pairs)
    for name, error in errors.items():
        bound = GRADIENT_TOLERANCE if name == "gradients" else VALUE_TOLERANCE
        if not error <= bound:
            raise AssertionError(f"{name} differs by {error:.2e} between PyTorch and Keras; at most {bound:g} is accepted")
    return errors


def gradient_norms(model, x, *, noise=None, axes: int | None = None) -> np.ndarray:
    """How large the loss' gradient is in each layer of a model, of either framework, with the weights that it has.

        norm_l = |dL / dW_l|_F,   L = mean over the batch of the sum of the loss terms

    Args:
        model: the model; is left as it is.
        x: data, (B, *D), in NumPy layout.
        noise: array for the model's `noise` argument, in NumPy layout; needed by stochastic models.
        axes: look at the trained arrays with so many axes, such as 0 for the scales of residual branches; None looks at
            all with two or more, which are the kernels.

    Returns:
        (L,) float64, one for each such array in the order of the layers: the encoder's first, the decoder's last.

    Example:
        >>> from aetutor import torch as ae
        >>> model = ae.Autoencoder.mlp(6, latent_dim=2, hidden=(4,), seed=0)
        >>> gradient_norms(model, np.random.default_rng(0).random((5, 6), "float32")).shape
        (4,)
    """
    axes = None if axes is None else validation.integer("axes", axes, low=0)
    gradients = _side_of(model).gradients(model, validation.array("x", x), noise).values()
    chosen = [g.astype(np.float64) for g in gradients if (g.ndim > 1 if axes is None else g.ndim == axes)]
    return np.array([np.linalg.norm(gradient) for gradient in chosen])


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    """max|a - b| / max|b|, and infinity for different shapes."""
    if a.shape != b.shape:
        return float("inf")
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-12))


class _TorchSide:
    """What the checks need to know about PyTorch models. Weights are given in Keras layout."""

    def __init__(self):
        self.ae = importlib.import_module("aetutor.torch")

    def weights(self, model):
        return {
            name: layout.to_keras([p.detach().cpu().numpy().copy() for p in layout.parameters])
            for name, layout in keras_layouts(model).items()
        }

    def state(self, model):
        """Buffers, such as running averages; a batch norm's count of batches, which Keras has not, is left out."""
        return {k: v.cpu().numpy().copy() for k, v in model.named_buffers() if v.is_floating_point()}

    def set_weights(self, model, arrays):
        import torch

        with torch.no_grad():
            for name, layout in keras_layouts(model).items():
                for parameter, array in zip(layout.parameters, layout.to_torch(arrays[name]), strict=True):
                    parameter.copy_(torch.from_numpy(np.array(array)))
            for name, buffer in model.named_buffers():
                if name in arrays:
                    buffer.copy_(torch.from_numpy(arrays[name]))

    def call(self, model, x, noise=None):
        """Outputs and loss terms of a batch as NumPy arrays in NumPy layout."""
        from .torch.data import to_array, to_tensor

        batch = to_tensor(x)
        out = model(batch) if noise is None else model(batch, noise=to_tensor(noise))
        return {k: to_array(v) for k, v in (out | model.loss_terms(batch, out)).items()}

    def outputs_and_gradients(self, model, x, noise):
        training = model.training
        model.eval()  # as Keras calls a model: no dropout, and no state that a call in training changes
        found = self.call(model, x, noise), self.gradients(model, x, noise)
        model.train(training)
        return found

    def gradients(self, model, x, noise):
        import torch

        from .torch.data import to_tensor
        from .torch.inference import device_of

        batch = to_tensor(x, device_of(model))
        out = model(batch) if noise is None else model(batch, noise=to_tensor(noise, batch.device))
        loss = sum(model.loss_terms(batch, out).values()).mean()
        layouts = keras_layouts(model)
        trained = [p for layout in layouts.values() for p in layout.parameters if p.requires_grad]
        found = dict(zip(trained, torch.autograd.grad(loss, trained, allow_unused=True), strict=True))

        def array(parameter):
            gradient = found.get(parameter)
            return np.zeros(parameter.shape, np.float32) if gradient is None else gradient.cpu().numpy()

        return {name: layout.to_keras([array(p) for p in layout.parameters]) for name, layout in layouts.items()}

    def forward_signature(self, model):
        return inspect.signature(model.forward)


class _KerasSide:
    """What the checks need to know about Keras models, on whichever backend Keras runs."""

    def __init__(self):
        self.ae = importlib.import_module("aetutor.keras")

    def weights(self, model):
        from keras import ops

        return {v.path: np.array(ops.convert_to_numpy(v.value)) for v in model.trainable_variables}

    def state(self, model):
        from keras import ops

        return {v.path: np.array(ops.convert_to_numpy(v.value)) for v in model.non_trainable_weights}

    def set_weights(self, model, arrays):
        for variable in [*model.trainable_variables, *(v for v in model.non_trainable_weights if v.path in arrays)]:
            variable.assign(arrays[variable.path])

    def run(self, model, x, noise):
        from keras import ops

        batch = ops.convert_to_tensor(x)
        out = model(batch) if noise is None else model(batch, noise=ops.convert_to_tensor(noise))
        return out, model.loss_terms(batch, out)

    def call(self, model, x, noise=None):
        from keras import ops

        out, terms = self.run(model, x, noise)
        return {k: ops.convert_to_numpy(v) for k, v in (out | terms).items()}

    def outputs_and_gradients(self, model, x, noise):
        return self.call(model, x, noise), self.gradients(model, x, noise)

    def gradients(self, model, x, noise):
        import keras
        from keras import ops

        def loss():
            return ops.mean(sum(self.run(model, x, noise)[1].values()))

        variables = model.trainable_variables
        backend = keras.backend.backend()
        if backend == "tensorflow":
            import tensorflow as tf

            with tf.GradientTape() as tape:
                value = loss()
            found = tape.gradient(value, [v.value for v in variables])
        elif backend == "torch":
            import torch

            found = torch.autograd.grad(loss(), [v.value for v in variables], allow_unused=True)
        else:
            import jax

            def stateless(values):
                with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                    return loss()

            found = jax.grad(stateless)([v.value for v in variables])
        return {
            v.path: np.zeros(v.shape, np.float32) if g is None else ops.convert_to_numpy(g)
            for v, g in zip(variables, found, strict=True)
        }

    def forward_signature(self, model):
        return inspect.signature(model.call)


def _side_of(model):
    """The side a model belongs to, found without importing the other framework."""
    modules = {base.__module__ for base in type(model).__mro__}
    if "aetutor.torch.autoencoder" in modules:
        return _TorchSide()
    if "aetutor.keras.autoencoder" in modules:
        return _KerasSide()
    raise TypeError(
        f"model must be an aetutor.torch.Autoencoder or an aetutor.keras.Autoencoder; got {validation.describe(model)}."
    )
