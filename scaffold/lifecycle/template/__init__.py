"""The template and its versions: where they are had from, and what one makes of answers."""
