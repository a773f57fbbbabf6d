"""The page of constants: values that PyTorch and Keras set differently by default, written out once for both.

    what                      torch's default   Keras' default   here
    layer norm epsilon        1e-5              1e-3             LAYER_NORM_EPSILON
    leaky ReLU slope          0.01              0.2              LEAKY_SLOPE
    Adam epsilon              1e-8              1e-7             ADAM_EPSILON
    AdamW weight decay        0.01              0.004            0 unless `weight_decay=` is given
    initial dense kernel      Kaiming uniform   Glorot uniform   aetutor.initializers
    padding of strided conv   symmetric         "same": depends  CONV_PADDING on each side, never "same"
    transposed convolution    (in, out, ...)    (..., out, in)   TRANSPOSED_KERNEL, one value cut off at each side

A test reads the built layers and optimisers of both frameworks and compares them with these values.
"""

LAYER_NORM_EPSILON = 1e-5
LEAKY_SLOPE = 0.01
ADAM_BETAS = (0.9, 0.999)
ADAM_EPSILON = 1e-8

CONV_KERNEL = 3
CONV_STRIDE = 2
CONV_PADDING = 1  # with a kernel of 3 and a stride of 2 a side of n becomes ceil(n / 2)
TRANSPOSED_KERNEL = 4  # a multiple of the stride: every output then has the same number of inputs
UPSAMPLINGS = ("nearest", "transposed")

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
