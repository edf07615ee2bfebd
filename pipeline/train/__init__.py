"""How the built-in model's adapter is made: digests in, a GGUF adapter and its card out."""
