"""Documents of identity providers: what they say about themselves, their public keys, tokens for a code.

The port is ``base``; ``http`` fetches.  Called by ``services.access`` only.  An administrator names the issuers;
nothing that a stranger sends decides which host is asked.
"""
