"""What arXiv announced, held against its own pages and completed."""
