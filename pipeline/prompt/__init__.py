"""A variant file becomes the prompt of a paper."""
