"""The notebook tool: executes pages, checks the rules of a page, measures claims over seeds.

    python -m aetutor.pages.notebooks execute [PATH ...] [--profile quick|full] [--force]
    python -m aetutor.pages.notebooks check [PATH ...]
    python -m aetutor.pages.notebooks seeds PATH [-n 5] [--profile quick|full]
    python -m aetutor.pages.notebooks stamp
    python -m aetutor.pages.notebooks new NAME --folder torch

It works on a checkout of the repository. nbformat and nbclient are imported by the commands that need them.
"""
