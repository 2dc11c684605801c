"""The book's Sphinx side: figures, offline pages, and notebooks kept true.

Nothing else in the package imports it.
"""
