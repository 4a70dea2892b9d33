"""PyTorch's primitives, of which its own decompositions are made: which move, reduce or work element by element."""

from __future__ import annotations

from typing import Final


def _named(names: str) -> frozenset[str]:
    return frozenset(f"prims.{name}" for name in names.split())


MOVING: Final = _named("""
    _make_token _sink_tokens as_strided_scatter cat clone collapse convert_element_type copy_strided device_put
    empty_permuted empty_strided fill iota item maximum_value minimum_value reshape rev scalar_tensor
""")
REDUCING: Final = _named("amax amin prod sum var xor_sum")
FOURIER: Final = _named("fft_c2c fft_c2r fft_r2c")
ELEMENTWISE: Final = _named("""
    acos acosh add asin asinh atan atan2 atanh bessel_i0 bessel_i0e bessel_i1 bessel_i1e bessel_j0 bessel_j1
    bitwise_and bitwise_or bitwise_xor cbrt ceil cos cosh div eq erf erf_inv erfc erfcx exp expm1 floor fmod frexp gcd
    ge gt isfinite le lgamma log log10 log1p lt mul ndtri ne neg normal pow remainder round shift_left
    shift_right_arithmetic sin sinh spherical_bessel_j0 sqrt sub tan tanh where zeta
""")
"""Those that PyTorch does not tag as pointwise, though they are."""
