"""A model in a file: Keras' own `.keras`, or safetensors with the model's Keras configuration as JSON. Never a pickle."""

import json
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np

from .. import checkpoints, validation
from .inference import model_of

KIND = "model"
SUFFIXES = (".keras", ".safetensors")


def save(model, path):
    """Write the model to `path` (.keras or .safetensors), atomically."""
    path = validation.file_path("path", path, suffixes=SUFFIXES)
    if not model_of(model).built:
        raise ValueError("model has no weights yet: fit it, or call it on a batch, before it is saved.")
    if path.suffix == ".keras":
        with tempfile.TemporaryDirectory() as folder:
            model.save(Path(folder, "model.keras"))
            checkpoints.replace(path, Path(folder, "model.keras").read_bytes())
        return
    meta = {
        "kind": KIND,
        "framework": "keras",
        "class": type(model).__name__,
        "built_with": model.built_with,
        "config": keras.saving.serialize_keras_object(model),
    }
    checkpoints.write(path, weights(model), meta)


def load(path, *, model=None):
    """The model in the file at `path`.

    Args:
        path: what `save` wrote, or `model.save` of a model of ours.
        model: needed for parts that Keras cannot rebuild (classes that are not registered), whose weights are then set from
            the file; left as it was if the file is of another model. Without it, the model is rebuilt from the file.

    Returns:
        `model`, or a new model, not compiled.
    """
    path = validation.file_path("path", path, suffixes=SUFFIXES)
    if model is not None and not model_of(model).built:
        raise ValueError("model has no weights yet: call it on a batch before its weights are loaded.")
    if path.suffix == ".keras":
        return _load_keras(path, model)
    tensors, meta = checkpoints.read(path, kind=KIND)
    if meta["framework"] != "keras":
        raise ValueError(f"path: {str(path)!r} was written by aetutor.{meta['framework']}; load it there.")
    if model is None:
        model = _rebuild(path, meta["class"], lambda: keras.saving.deserialize_keras_object(meta["config"]))
    _refuse_other_class(path, meta["class"], model)
    checkpoints.check_same_tensors("path", path, tensors, weights(model))
    set_weights(model, tensors)
    return model


def weights(model):
    """All weights as NumPy copies. The names hold positions, since Keras numbers layers through a whole process."""
    parts = {id(v): part for part in ("decoder", "encoder") for v in getattr(model, part).weights}
    return {
        f"{parts.get(id(v), 'model')}/{i:03d}/{v.name}": np.array(keras.ops.convert_to_numpy(v))
        for i, v in enumerate(model.weights)
    }


def set_weights(model, arrays):
    """Undo `weights`."""
    for variable, name in zip(model.weights, weights(model), strict=True):
        variable.assign(arrays[name])


def _load_keras(path, model):
    if not path.is_file():
        raise FileNotFoundError(f"path: there is no file {str(path)!r}.")
    try:
        with zipfile.ZipFile(path) as file:
            damaged = file.testzip()
            name = json.loads(file.read("config.json"))["class_name"].split(">")[-1] if damaged is None else None
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ValueError(f"path: {str(path)!r} is no .keras file, or was cut ({error}). Nothing was changed.") from None
    if damaged is not None:
        raise ValueError(f"path: {str(path)!r} was altered: {damaged} in it is damaged. Nothing was changed.")
    if model is None:
        return _rebuild(path, name, lambda: keras.saving.load_model(path, compile=False))
    _refuse_other_class(path, name, model)
    before = weights(model)
    try:
        model.load_weights(path)
    except Exception as error:  # Keras raises many kinds, some after it has set a part of the weights
        set_weights(model, before)
        raise ValueError(f"path: {str(path)!r} belongs to another model: {error}") from None
    return model


def _rebuild(path, name, build):
    try:
        model = build()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"path: {str(path)!r} holds a {name} that Keras cannot rebuild ({error}). Register its classes with "
            "keras.saving.register_keras_serializable, or build the same model and pass it: load(path, model=model)."
        ) from None
    return model_of(model)


def _refuse_other_class(path, name, model):
    if type(model).__name__ != name:
        raise ValueError(f"path: {str(path)!r} holds a {name}; model is a {type(model).__name__}.")
