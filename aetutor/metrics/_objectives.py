"""What an objective trains, whatever it declares."""

from .. import validation

_REDUCTIONS = ("sum", "mean", "total")


def effective_beta(
    *,
    likelihood: str,
    reconstruction: str,
    kl: str,
    n_data: int | None = None,
    n_latent: int | None = None,
    batch_size: int | None = None,
    weight: float = 1.0,
    reconstruction_factor: float = 1.0,
    kl_factor: float = 1.0,
    sigma: float = 1.0,
) -> float:
    """The beta that a code base trains, whatever weight it declares.

    The reference objective is, per sample and with the batch mean outside,

        -log p(x | z) + beta KL(q(z | x) || N(0, I)) + constant

    where -log p is half the summed squared error (a Gaussian of sigma 1) or the summed cross-entropy, and KL is summed
    over the code. A code base that minimises

        a * -log p(x | z) + b * KL,     beta = b / a

    has the same minimum, up to the learning rate, with

        a = reconstruction_factor * (2 | 1 / sigma^2 | 1) / (n_data if "mean") * (batch_size if "total")
        b = weight * kl_factor                            / (n_latent if "mean") * (batch_size if "total")

    where 2 stands for likelihood "squared_error" (no factor 1/2), 1 / sigma^2 for "gaussian", 1 for "bernoulli".
    A larger beta means: more KL, blurrier reconstructions, fewer active units.

    Args:
        likelihood: what is reduced: "squared_error" (x - x_hat)^2, "gaussian" (x - x_hat)^2 / (2 sigma^2), "bernoulli"
            the cross-entropy.
        reconstruction: "sum" over a sample's entries, then mean over the batch; "mean" over entries and batch; "total",
            summed over entries and batch.
        kl: the same three, over the code's units.
        n_data: number of entries the reconstruction term is averaged over; needed for "mean". Where code averages over
            some axes and sums over others it is the product of the averaged ones.
        n_latent: number of code units the KL term is averaged over; needed for "mean".
        batch_size: needed where one term is "total".
        weight: the weight of the KL term that the code declares, >= 0.
        reconstruction_factor: any other factor before the reconstruction term, > 0.
        kl_factor: any other factor before the KL term: 2 where the code forgot the 1/2 of the formula.
        sigma: standard deviation of the "gaussian" likelihood, > 0.

    Returns:
        beta >= 0 as a float; 1 is the variational lower bound.

    Example:
        Summed squared error without the 1/2, summed KL; mean squared error of a 3 x 64 x 64 image beside a summed KL;
        the cross-entropy averaged over 784 pixels, the KL over 20 units.

        >>> effective_beta(likelihood="squared_error", reconstruction="sum", kl="sum")
        0.5
        >>> effective_beta(likelihood="squared_error", reconstruction="mean", kl="sum", n_data=3 * 64 * 64)
        6144.0
        >>> effective_beta(likelihood="bernoulli", reconstruction="mean", kl="mean", n_data=784, n_latent=20)
        39.2
    """
    validation.one_of("likelihood", likelihood, ("squared_error", "gaussian", "bernoulli"))
    for name, reduction in (("reconstruction", reconstruction), ("kl", kl)):
        validation.one_of(name, reduction, _REDUCTIONS)
    for name, factor in (("reconstruction_factor", reconstruction_factor), ("kl_factor", kl_factor), ("sigma", sigma)):
        validation.real(name, factor, above=0)
    validation.real("weight", weight, low=0)

    def reduced(reduction, name, count):
        if reduction == "mean":
            return 1.0 / validation.integer(name, count, low=1)
        return 1.0 if reduction == "sum" else validation.integer("batch_size", batch_size, low=1)

    unit = {"squared_error": 2.0, "gaussian": 1.0 / sigma**2, "bernoulli": 1.0}[likelihood]
    a = reconstruction_factor * unit * reduced(reconstruction, "n_data", n_data)
    b = weight * kl_factor * reduced(kl, "n_latent", n_latent)
    return b / a
