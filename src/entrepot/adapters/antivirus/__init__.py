"""Scanners that look for malware in streams of bytes."""
