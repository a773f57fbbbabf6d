"""What to say when Keras or its backend cannot be imported; the backend is never changed silently."""

import importlib.util
import os

BACKENDS = ("tensorflow", "torch", "jax")


def explain(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """The error to raise in place of one from `import keras`."""
    if error.name == "keras":
        return ModuleNotFoundError(
            'aetutor.keras needs Keras and TensorFlow: pip install "aetutor[keras]". For PyTorch use aetutor.torch.',
            name="keras",
        )
    if error.name not in BACKENDS:
        return error  # something inside an installed package is broken: its own message says more
    chosen = (
        f"KERAS_BACKEND={error.name}" if os.environ.get("KERAS_BACKEND") == error.name else f"Keras' setting ({error.name})"
    )
    installed = [name for name in BACKENDS if name != error.name and importlib.util.find_spec(name) is not None]
    other = "".join(f" or set the environment variable KERAS_BACKEND={name} (installed here)," for name in installed)
    install = '"aetutor[keras]"' if error.name == "tensorflow" else error.name
    return ModuleNotFoundError(
        f"aetutor.keras: the backend of {chosen} is not installed: pip install {install},{other} "
        "before the first import of Keras.",
        name=error.name,
    )
