"""What only some likelihoods have."""

from ._values import one_of, real


def sigma(name: str, value, *, likelihood: str) -> float | str:
    """Standard deviation of the Gaussian likelihood: a number > 0 or "learned"; other likelihoods have none."""
    if likelihood != "gaussian" and value != 1.0:
        raise ValueError(f'{name}={value!r} has no effect with likelihood={likelihood!r}; it needs likelihood="gaussian".')
    if isinstance(value, str):
        return one_of(name, value, ("learned",))
    return real(name, value, above=0)


def importance_weighted(model) -> None:
    """Refuse several draws a sample (`samples` > 1) where their bound is not defined."""
    if model.samples > 1 and model.likelihood == "squared_error":
        raise ValueError(
            f'samples={model.samples} weighs draws by their likelihood, and likelihood="squared_error" is none; use '
            'likelihood="gaussian", whose loss with sigma=0.5**0.5 differs from it by a constant.'
        )
    if model.samples > 1 and model.beta != 1:
        raise ValueError(
            f"beta={model.beta:g} has no meaning with samples={model.samples}: their bound has no KL term to weigh; "
            "use beta=1, or samples=1."
        )
