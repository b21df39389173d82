"""The client's commands of ``entrepot``, one file per noun or verb.

Called by the program, for people and scripts; talks to servers through ``client/`` only.  A command is imported when
it runs, so that help is quick.  Exit codes are ``failures.ExitCode``; every failure ends in ``app.run``.
"""
