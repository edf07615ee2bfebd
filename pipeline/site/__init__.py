"""The reading site: static pages, a search without a server, feeds. update.py is read first."""
