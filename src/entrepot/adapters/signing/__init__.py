"""Signing identities of archives, their OpenPGP signatures, and the check of anybody's.

Called by publish (sign, then check with a client's eyes), mirror (check) and the entry points (public keys).
Private keys never leave this package: not in a repr, not in an error, not in a log.
What is signed, and when, is not decided here.
"""
