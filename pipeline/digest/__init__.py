"""The published digest: its Markdown, parsed and rendered byte for byte, and its JSON."""
