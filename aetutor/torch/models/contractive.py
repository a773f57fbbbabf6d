"""Contractive autoencoder: a code that changes little when the input does. Also named CAE, as the convolutional one is.

    loss(x) = -log p(x | z) + strength |J(x)|_F^2,   J(x) = dz / dx, the Jacobian of the encoder, (K, D)

    jacobian="exact"    dense encoders:  J = D_L W_L ... D_1 W_1,  D_l = diag(a_l'(W_l h_(l-1) + b_l))
                        one sigmoid layer:  |J|_F^2 = sum_k (z_k (1 - z_k))^2 |W_k|^2
    jacobian="probe"    any encoder:     |J|_F^2 = E |J v|^2,  v ~ N(0, I); one v a sample and step (Hutchinson's estimate)

Nothing is added to the input: that is denoising. J v is the change of the code along v, computed with the code (forward-mode
differentiation) at the cost of a second pass; J itself is never stored.

Pitfalls: a decoder with weights of its own undoes the penalty: divide the encoder's by ten and multiply the decoder's by ten
for nearly the same map at a hundredth of the penalty (tied=True prevents it). The penalty grows with D and K: a strength
suits one size of net. A saturated sigmoid unit has a slope of 0; with ReLU codes the penalty is right, and saturation means
nothing. One probe's standard deviation is |J|_F^2 times sqrt(2 / r), with r the number of directions that J follows.

Source: Rifai, Vincent, Muller, Glorot and Bengio (2011); Hutchinson (1989) for probes, there of random signs.
"""

import torch
from torch import Tensor, nn

from ... import validation
from .. import losses
from ..autoencoder import Autoencoder
from ..backbones import Flatten
from ..layers import TransposedDense

_SLOPES = {  # derivative of an activation, from its output
    nn.Sigmoid: lambda layer, h: h * (1 - h),
    nn.Tanh: lambda layer, h: 1 - h**2,
    nn.ReLU: lambda layer, h: (h > 0).to(h.dtype),
    nn.LeakyReLU: lambda layer, h: torch.where(h > 0, 1.0, layer.negative_slope),
}


class ContractiveAutoencoder(Autoencoder):
    """Autoencoder whose encoder is kept from following small changes of its input.

    Args:
        encoder: maps x, (B, *D), to the code z, (B, K).
        decoder: maps z, (B, K), to the parameters of p(x | z), (B, *D).
        likelihood: as in Autoencoder.
        sigma: as in Autoencoder.
        strength: weight of |J|_F^2, >= 0.
        jacobian: "exact", for a Sequential of dense layers with sigmoid, tanh, ReLU, leaky ReLU or no activation; "probe",
            for any encoder that can be differentiated forwards.
        tied: the decoder's kernel is the encoder's, transposed. Each must have one dense layer; the decoder given is taken
            apart.

    Example:
        >>> sizes = dict(latent_dim=1000, hidden=(), code_activation="sigmoid", likelihood="bernoulli", tied=True)
        >>> model = ContractiveAutoencoder.mlp(784, **sizes, strength=0.1, seed=0)
        >>> x = torch.rand(4, 784)
        >>> sorted(model.loss_terms(x, model(x)))
        ['contraction', 'reconstruction']
        >>> sum(p.numel() for p in model.parameters())
        785784
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        likelihood: str = "squared_error",
        sigma: float | str = 1.0,
        strength: float = 0.1,
        jacobian: str = "exact",
        tied: bool = False,
    ):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.strength = validation.real("strength", strength, low=0)
        self.jacobian = validation.one_of("jacobian", jacobian, ("exact", "probe"))
        if not isinstance(tied, bool):
            raise TypeError(f"tied must be True or False; got {validation.describe(tied)}.")
        self.tied = tied
        if jacobian == "exact":
            self._refuse_other_layers()
        if tied:
            self._kernel()  # refuses other encoders
            if not isinstance(decoder, TransposedDense):
                self.decoder = TransposedDense.of(decoder)

    def decode(self, z: Tensor) -> Tensor:
        """As in Autoencoder; tied, with the encoder's kernel."""
        return self.decoder(z, self._kernel()) if self.tied else self.decoder(z)

    def forward(self, x: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Code, decoder output, and "squared_jacobian", (B,): |J|_F^2 or its estimate with the probes `noise`, (B, *D)."""
        if self.jacobian == "exact":
            if noise is not None:
                raise ValueError("noise has no effect with jacobian='exact'; leave it out.")
            z, squared = self._exact(x)
        else:
            if noise is None:
                noise = self.normal_like(x)  # (B, *D)
            elif noise.shape != x.shape:
                raise ValueError(f"noise must have the shape of x, {tuple(x.shape)}; got {tuple(noise.shape)}.")
            z, change = torch.func.jvp(self.encode, (x.contiguous(),), (noise,))  # (B, K), J v (B, K)
            squared = (change**2).flatten(1).sum(1)
        return {"z": z, "x_hat": self.decode(z), "squared_jacobian": squared}

    def loss_terms(self, x: Tensor, out: dict[str, Tensor]) -> dict[str, Tensor]:
        """The reconstruction term and strength times the squared Jacobian, each (B,)."""
        return super().loss_terms(x, out) | {"contraction": self.strength * out["squared_jacobian"]}

    def _exact(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h, slopes, kernels = x, [], []
        for layer in self.encoder:
            h = layer(h)  # (B, H_l)
            if isinstance(layer, nn.Linear):
                kernels.append(layer.weight)  # (H_l, H_(l-1))
                slopes.append(torch.ones_like(h))
            elif type(layer) in _SLOPES:
                slopes[-1] = slopes[-1] * _SLOPES[type(layer)](layer, h)
        return h, losses.squared_jacobian(slopes, kernels)

    def _refuse_other_layers(self):
        layers = list(self.encoder) if isinstance(self.encoder, nn.Sequential) else [self.encoder]
        kinds = [type(layer) for layer in layers if not isinstance(layer, Flatten | nn.Flatten)]
        other = [kind.__name__ for kind in kinds if kind is not nn.Linear and kind not in _SLOPES]
        if other or kinds[:1] != [nn.Linear]:
            raise ValueError(
                "jacobian='exact' takes an encoder of dense layers in a Sequential, with sigmoid, tanh, ReLU, leaky ReLU or "
                f"no activation; got {', '.join(other) or 'no dense layer first'}. Use jacobian='probe', which takes any."
            )

    def _kernel(self) -> Tensor:
        dense = [layer for layer in self.encoder.modules() if next(layer.parameters(recurse=False), None) is not None]
        if len(dense) != 1 or not isinstance(dense[0], nn.Linear):
            raise ValueError(
                f"tied=True needs an encoder of one dense layer; got {', '.join(type(d).__name__ for d in dense)}."
            )
        return dense[0].weight  # (K, D)
