"""Nightly digest of arXiv papers in Chinese. Read `flow.py` first."""

__version__ = "0.1.0"
