"""Mail that leaves: the port, SMTP, and the sandbox in which texts are filled in.

Called by the delivery of messages.  A password never appears in an error.  When a mail is sent is not decided here.
"""
