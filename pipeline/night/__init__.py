"""One night: read `run.py` first."""
