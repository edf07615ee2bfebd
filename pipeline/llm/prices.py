"""What calls cost, by the prices in the model's profile."""

from __future__ import annotations

from pipeline.settings import Profile

MILLION = 1_000_000


def cost(profile: Profile, tokens_in: int, tokens_out: int) -> float | None:
    """The price of a call in the profile's currency; None where the profile names no prices."""
    if profile.price_in is None or profile.price_out is None:
        return None
    return (tokens_in * profile.price_in + tokens_out * profile.price_out) / MILLION
