"""Access logs of a front server, followed through rotation.

Read by the download counter.  Knows files and lines, nothing of what they say.
"""
