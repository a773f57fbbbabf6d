"""Checkers of the exercises: one small file a page, named like the page (see `aetutor.pages.exercises`)."""
