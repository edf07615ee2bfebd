"""Other people's text: made safe, read, and judged."""
