"""The stages of one paper, each a plain function from record to record."""
