"""Keys come from the environment alone."""

from __future__ import annotations

import os

from pipeline.errors import ConfigError
from pipeline.settings import EndpointProfile


def api_key(profile: EndpointProfile) -> str | None:
    """The key that the profile's variable holds; None where it names none.

    Raises ConfigError for a variable that is not set.
    """
    if profile.api_key_env is None:
        return None
    key = os.environ.get(profile.api_key_env, "").strip()
    if not key:
        raise ConfigError(
            f"the environment variable {profile.api_key_env} is not set",
            where=f"model {profile.model}",
            fix=f"export {profile.api_key_env}=… or choose another model",
        )
    return key
