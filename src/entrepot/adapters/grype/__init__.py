"""Grype, a program that compares lists of software with vulnerabilities known to it, run as a process of its own."""
