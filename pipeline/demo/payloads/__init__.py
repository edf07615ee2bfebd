"""Papers rendered in the forms of arXiv's hosts: feeds, API, list pages, OAI-PMH. Records to bytes.

What the records do not hold is left out (journal references) or composed and said so (licences).
"""
