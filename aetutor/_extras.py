"""Libraries that only an extra installs, imported where they are used."""

import importlib


def library(module: str, *, extra: str, needed_by: str):
    """The imported module.

    Raises:
        ModuleNotFoundError: it is not installed; says which extra has it. What the module itself misses is passed on.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != package:
            raise
        raise ModuleNotFoundError(
            f'{needed_by} needs {package}, which is not installed: pip install "aetutor[{extra}]"', name=package
        ) from None
