"""A better prompt by search. Read `optimize` first."""
