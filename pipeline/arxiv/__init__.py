"""ArXiv: ids, taxonomy, feed and API turned from bytes into records; client.py fetches."""
