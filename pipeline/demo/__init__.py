"""The example day with no network and no key: a stand-in arXiv on loopback and its PDFs."""
