"""What the stand-in arXiv answers: a request and an archive in, an `Answer` out. No sockets.

Status codes, content types and wording follow arXiv's; so do its traps: ten results by default,
unknown ids silently absent, an order that is not the request's, error pages in place of PDFs.
"""
