"""Requests over HTTP, pinned to addresses that were checked."""
