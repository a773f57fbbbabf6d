"""The page of constants: values that PyTorch and Keras set differently by default, written out once for both.

    what                      torch's default   Keras' default   here
    layer norm epsilon        1e-5              1e-3             LAYER_NORM_EPSILON
    leaky ReLU slope          0.01              0.2              LEAKY_SLOPE
    Adam epsilon              1e-8              1e-7             ADAM_EPSILON
    AdamW weight decay        0.01              0.004            0 unless `weight_decay=` is given
    initial dense kernel      Kaiming uniform   Glorot uniform   aetutor.initializers
    padding of strided conv   symmetric         "same": depends  CONV_PADDING on each side, never "same"
    transposed convolution    (in, out, ...)    (..., out, in)   TRANSPOSED_KERNEL, one value cut off at each side
    order of a GRU's gates    reset, update     update, reset    CELL_GATES; Keras with reset_after=True, as torch
    LSTM biases               two, added        one              one; torch's second stays 0; forget gate starts at 1
    first recurrent kernel    uniform           orthogonal       orthogonal, one a gate

A test reads the built layers and optimisers of both frameworks and compares them with these values.
"""

import math

LAYER_NORM_EPSILON = 1e-5
LEAKY_SLOPE = 0.01
ADAM_BETAS = (0.9, 0.999)
ADAM_EPSILON = 1e-8

CONV_KERNEL = 3
CONV_STRIDE = 2
CONV_PADDING = 1  # with a kernel of 3 and a stride of 2 a side of n becomes ceil(n / 2)
TRANSPOSED_KERNEL = 4  # a multiple of the stride: every output then has the same number of inputs
UPSAMPLINGS = ("nearest", "transposed")

CONNECTIONS = ("residual", "dense")
BRANCH_STARTS = ("zero", "scaled", "one")

CELLS = ("gru", "lstm", "tcn")
#: Where PyTorch's gates stand in Keras' order: (reset, update, new) in (update, reset, new); the LSTM's orders agree.
CELL_GATES = {"gru": (1, 0, 2), "lstm": (0, 1, 2, 3)}
CAUSAL_KERNEL = 3

ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "linear")

#: Samples in one block of the validation noise: noise depends on (seed, sample index), not on the batch size.
EVALUATION_BLOCK = 256


def halved_sides(sides: tuple[int, ...], stages: int) -> list[tuple[int, ...]]:
    """Side lengths after 0, 1, ..., `stages` strided convolutions; a decoder crops back to them, so odd sizes work.

    Example:
        >>> halved_sides((28, 9), 3)
        [(28, 9), (14, 5), (7, 3), (4, 2)]
    """
    found = [tuple(sides)]
    for _ in range(stages):
        found.append(tuple(-(-side // 2) for side in found[-1]))
    return found


def dilations(steps: int) -> tuple[int, ...]:
    """Dilations 1, 2, 4, ... of causal convolutions, as many as let the last of `steps` steps see the first.

    Example:
        >>> dilations(15), dilations(16)
        ((1, 2, 4), (1, 2, 4, 8))
    """
    found, reach = [1], CAUSAL_KERNEL - 1
    while reach < steps - 1:
        found.append(2 * found[-1])
        reach += (CAUSAL_KERNEL - 1) * found[-1]
    return tuple(found)


def branch_scale(start: str, branches: int) -> float:
    """First value of the factor of each of so many residual branches.

    Example:
        >>> [branch_scale(start, 16) for start in BRANCH_STARTS]
        [0.0, 0.25, 1.0]
    """
    return {"zero": 0.0, "scaled": 1 / math.sqrt(max(branches, 1)), "one": 1.0}[start]
