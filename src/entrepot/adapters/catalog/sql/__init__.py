"""The catalog on SQLAlchemy: SQLite (WAL) by default, PostgreSQL for more than one node.

Called through the port only.  The same queries run on both.
"""
