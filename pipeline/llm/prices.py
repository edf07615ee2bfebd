"""What calls cost, by the prices in the model's profile."""

from __future__ import annotations

from pipeline.settings import Profile

MILLION = 1_000_000


def cost(profile: Profile, tokens_in: int, tokens_out: int, cached_in: int = 0) -> float | None:
    """The price of a call in the profile's currency; None where the profile names no prices.

    `cached_in` of the `tokens_in` had the endpoint read before.
    """
    if profile.price_in is None or profile.price_out is None:
        return None
    cached = profile.price_in if profile.price_cached_in is None else profile.price_cached_in
    fresh_in = tokens_in - cached_in
    return (
        fresh_in * profile.price_in + cached_in * cached + tokens_out * profile.price_out
    ) / MILLION
