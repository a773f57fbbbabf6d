"""Command line of the notebook tool; `python -m aetutor.pages.notebooks --help`."""

import argparse
import sys
from pathlib import Path

from .. import runs
from . import execution, page, rules, seeds, skeleton, stamping


def main(arguments=None):
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except (execution.PageFailed, FileNotFoundError, FileExistsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser():
    parser = argparse.ArgumentParser(prog="python -m aetutor.pages.notebooks", description="Execute and check pages.")
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("execute", help="execute what is stale and store its outputs")
    command.add_argument("paths", nargs="*", type=Path, help="notebooks or folders (default: notebooks/)")
    command.add_argument("--profile", choices=runs.PROFILES, help="default: AETUTOR_PROFILE, else full")
    command.add_argument("--force", action="store_true", help="execute also what is up to date")
    command.set_defaults(command=_execute)

    command = commands.add_parser("check", help="check the rules of a page")
    command.add_argument("paths", nargs="*", type=Path, help="notebooks or folders (default: notebooks/)")
    command.set_defaults(command=_check)

    command = commands.add_parser("seeds", help="measure a page's claims over several seeds")
    command.add_argument("path", type=Path)
    command.add_argument("-n", type=int, default=5, help="number of seeds (default 5)")
    command.add_argument("--profile", choices=runs.PROFILES, default="quick")
    command.set_defaults(command=lambda options: seeds.measure(options.path, options.n, options.profile))

    command = commands.add_parser("stamp", help="write the repository's address into _config.yml and the notebooks")
    command.set_defaults(command=_stamp)

    command = commands.add_parser("new", help="write the skeleton of a page")
    command.add_argument("name")
    command.add_argument("--folder", default="torch", choices=pages_folders(), help="below notebooks/ (default torch)")
    command.set_defaults(command=_new)
    return parser


def pages_folders():
    """Folders that hold pages, in the order of the book."""
    return ("principles", "maths", "keras", "torch", "tuning", "applications", "appendix")


def _execute(options):
    failed = 0
    for path in page.find(options.paths):
        try:
            print(f"{page.shown(path)}: {execution.execute(path, options.profile, force=options.force)}", flush=True)
        except execution.PageFailed as error:
            print(f"{page.shown(path)}: {error}", file=sys.stderr, flush=True)
            failed += 1
    stamping.stamp_readme()
    return 1 if failed else 0


def _check(options):
    paths = page.find(options.paths)
    problems = rules.check_all(paths)
    for problem in problems:
        print(problem)
    for note in execution.stale_sources(paths):
        print(f"note: {note}")
    print(f"{len(paths)} pages checked, {len(problems)} problems")
    return 1 if problems else 0


def _stamp(options):
    for changed in stamping.stamp():
        print(f"stamped {changed}")
    return 0


def _new(options):
    for path in skeleton.write(options.name, options.folder):
        print(f"wrote {page.shown(path)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
