"""A whole archive: read `job.py` first."""
