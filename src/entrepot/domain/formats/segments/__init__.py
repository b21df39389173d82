"""Index documents as sequences of independently compressed segments, so that one change packs one segment again.

Called by the tree writers of publish.  The segments of a document follow from its entries alone: built from nothing
or changed a thousand times, equal content has equal bytes.  Nothing here stores bytes or knows an index format.
"""
