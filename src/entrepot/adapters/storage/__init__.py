"""Where content lives: blobs named by their SHA-256, written once.

Called by services.  A blob that was committed is durable and never changes.  What a blob means is not here.
"""
