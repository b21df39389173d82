"""Ways in that other servers have and people's scripts already use: Gitea's package paths, aptly's API, dput.

Thin: each turns its requests into calls of the same services as the main API, and answers in its own words.
Credentials may come as ``Basic`` too, best with an API token as the password.  Dialects do not know each other.
"""
