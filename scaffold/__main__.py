"""`python -m scaffold` and the `scaffold` command."""

from scaffold.cli.main import main

if __name__ == "__main__":
    main()
