"""Requests to other people's servers, by addresses that somebody typed in.

Called by whatever fetches or sends.  Every address is looked at before it is connected to, and it is the one that is
connected to.  ``Outbound`` exchanges small messages and follows no redirect; ``Fetcher`` downloads and verifies files.
"""
