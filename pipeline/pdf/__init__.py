"""A PDF's text: read in worker processes, cleaned, and taken apart into sections."""
