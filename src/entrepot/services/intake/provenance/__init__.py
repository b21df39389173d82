"""Where packages are from: who signed them, how they were built, and whom a suite trusts.

Used by the checks of the gate and by the routes.  What a signature or an attestation is worth is always judged anew,
with the keys that are trusted now; kept are only the documents.
"""
