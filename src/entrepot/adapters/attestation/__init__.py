"""Who signed an attestation: DSSE with public keys, Sigstore bundles with a root that an administrator gave.

Asks nobody: what cannot be shown with the material at hand is called not verified, with the reason.
"""
