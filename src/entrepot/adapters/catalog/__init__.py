"""What is known: archives, suites, packages, people, audit.  The truth from which everything published is derived.

Called by services, in short units.  A unit is committed whole or not at all.  Content itself is not here.
"""
