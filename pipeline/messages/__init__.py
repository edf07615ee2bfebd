"""What a run tells people: composed, kept in the store, sent through apprise."""
