"""``python -m morphvec``: the command line."""

from morphvec.cli.main import run

if __name__ == "__main__":
    run()
