"""Lines that are only ever added, outside the database: what somebody who has only the database cannot take back.

Called by the audit log for its checkpoints.  A line that was added is durable.
"""
