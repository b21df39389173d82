"""People and groups of an LDAP directory.

The port is ``base``; ``ldap`` speaks the protocol.  Called by ``services.access`` only.  A password is shown to the
directory over a verified connection and is kept nowhere.
"""
