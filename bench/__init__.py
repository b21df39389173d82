"""Benchmarks side by side with other repository tools.  Called by ``make bench`` through ``bench/run.py``.

Every figure is a ratio within one run: tools take turns, medians are kept, nothing here asserts a duration.
Corpora come from the generators beside the project; everything is written below ``bench/work``.
Not here: tests.
"""
