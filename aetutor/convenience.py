"""`Class.mlp(...)` and its kin: a backbone's arguments and the class' own, merged into one checked signature."""

import inspect
from collections.abc import Iterable

from . import validation


class Convenience:
    """Descriptor that turns a backbone function into a constructor of each class that inherits it.

        class Autoencoder: mlp = Convenience(backbones.mlp)
        VAE.mlp(784, latent_dim=16, hidden=(256,), beta=4.0)      # mlp's arguments and VAE's, in one call

    The backbone function takes `code_factor` besides its public arguments (how many numbers the encoder gives for one latent
    dimension; the class knows) and returns (encoder, decoder). An argument that both have, such as `seed`, goes to both.
    Arguments in `without` stay at their default unless the class has them too, since the backbone alone could not do what
    they say.
    """

    def __init__(self, build, *, without=()):
        self.build, self.without, self.name = build, without, build.__name__

    def __set_name__(self, owner, name):
        """Python tells the name that the class gives the constructor; a saved model is made again by it."""
        self.name = name

    def __get__(self, instance, owner):
        """The constructor, bound to the class it is read from."""
        own = [p for p in inspect.signature(owner.__init__).parameters.values() if p.kind is p.KEYWORD_ONLY]
        hidden = {"code_factor", *self.without} - {p.name for p in own}
        backbone = [p for p in inspect.signature(self.build).parameters.values() if p.name not in hidden]
        names = {p.name for p in backbone}
        signature = inspect.Signature([*backbone, *(p for p in own if p.name not in names)])

        def construct(*args, **kw):
            for name in kw:
                if name not in signature.parameters:
                    raise TypeError(
                        f"{owner.__name__}.{self.name} has no argument {name!r}; accepted: "
                        f"{', '.join(signature.parameters)}.{validation.nearest(name, signature.parameters)}"
                    )
            bound = signature.bind(*args, **kw)
            bound.apply_defaults()
            given = {name: _plain(value) for name, value in bound.arguments.items()}
            encoder, decoder = self.build(**{k: v for k, v in given.items() if k in names}, code_factor=owner.code_factor)
            model = owner(encoder, decoder, **{p.name: given[p.name] for p in own})
            model.built_with = {"constructor": self.name, "arguments": given}
            model.sample_shape = validation.sample_shape("shape", given["shape"])
            return model

        construct.__name__ = self.name
        construct.__qualname__ = f"{owner.__name__}.{self.name}"
        construct.__signature__ = signature
        construct.__doc__ = self.build.__doc__
        return construct


class NotOffered:
    """Descriptor for a constructor that a class would inherit and cannot use: calling it says why."""

    def __init__(self, because):
        self.because, self.name = because, ""

    def __set_name__(self, owner, name):
        """Python tells the name of the constructor."""
        self.name = name

    def __get__(self, instance, owner):
        """A function that refuses."""

        def refuse(*args, **kw):
            raise TypeError(f"{owner.__name__}.{self.name} is not offered: {self.because}")

        return refuse


def _plain(value):
    """`value` as JSON can hold it: NumPy numbers become Python's, and a sequence of sizes, whatever its kind, a tuple."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    return tuple(map(_plain, value)) if isinstance(value, Iterable) and not isinstance(value, str) else value
