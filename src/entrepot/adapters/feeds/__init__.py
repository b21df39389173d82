"""Files of advisories: folders on this machine, archives, compressed tables; bounded, and looked through in order.

Used by services/vulnerabilities.  Nothing is unpacked to a disk, and nothing outside of the configured folder is read.
"""
