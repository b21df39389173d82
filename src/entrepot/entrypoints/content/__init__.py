"""HTTP for apt, dnf and zypper: read-only, no sign-in.

Called by clients' package managers.  Knows nothing but "path to bytes of the generation in force".
"""
