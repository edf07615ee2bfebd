"""Evaluates prompt variants against human-written digests: read evaluation.py first."""
