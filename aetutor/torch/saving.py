"""A model in a file: safetensors for the weights, JSON for what rebuilds it. No pickle, so a file cannot run code."""

import numpy as np
import torch

from .. import checkpoints, validation
from .autoencoder import Autoencoder
from .inference import model_of

KIND = "model"


def save(model: Autoencoder, path) -> None:
    """Write weights and construction arguments to `path` (.safetensors), atomically."""
    path = validation.file_path("path", path, suffixes=(".safetensors",))
    meta = {"kind": KIND, "framework": "torch", "class": type(model_of(model)).__name__, "built_with": model.built_with}
    checkpoints.write(path, weights(model), meta)


def load(path, *, model: Autoencoder | None = None) -> Autoencoder:
    """The model in the file at `path`.

    Args:
        path: what `save` wrote.
        model: needed for a model of one's own parts, whose weights are then set from the file; left as it was if the file is
            of another model. Without it, the class and the arguments of its convenience constructor are read from the file.

    Returns:
        `model`, or a new model on the CPU.
    """
    path = validation.file_path("path", path, suffixes=(".safetensors",))
    tensors, meta = checkpoints.read(path, kind=KIND)
    if meta["framework"] != "torch":
        raise ValueError(f"path: {str(path)!r} was written by aetutor.{meta['framework']}; load it there.")
    if model is None:
        model = _rebuild(path, meta)
    elif type(model_of(model)).__name__ != meta["class"]:
        raise ValueError(f"path: {str(path)!r} holds a {meta['class']}; model is a {type(model).__name__}.")
    checkpoints.check_same_tensors("path", path, tensors, weights(model))
    set_weights(model, tensors)
    return model


def weights(model: torch.nn.Module) -> dict[str, np.ndarray]:
    """All weights and buffers as NumPy copies, by name."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in model.state_dict().items()}


def set_weights(model: torch.nn.Module, arrays: dict[str, np.ndarray]) -> None:
    """Undo `weights`."""
    model.load_state_dict({name: torch.from_numpy(np.asarray(array)) for name, array in arrays.items()})


def _rebuild(path, meta) -> Autoencoder:
    from . import models

    built = meta["built_with"]
    known = {"Autoencoder": Autoencoder} | {name: getattr(models, name) for name in models.__all__}
    if built is None or meta["class"] not in known:
        raise ValueError(
            f"path: {str(path)!r} holds a {meta['class']} that was not made by a convenience constructor of aetutor.torch; "
            "build the same model and pass it: load(path, model=model)."
        )
    return getattr(known[meta["class"]], built["constructor"])(**built["arguments"])
