"""What other people's repositories may say, and what of it is believed.  Pure: bytes and words in, words or errors out.

Called by ``services.upstream``.  Everything here is hostile until a signature says otherwise, and bounded even then.
"""
