"""Nightly digest of arXiv papers in Chinese. Read `night/run.py` first."""

__version__ = "0.1.0"
