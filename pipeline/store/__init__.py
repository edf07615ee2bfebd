"""Everything that is known, in one SQLite file: one module a subject."""
