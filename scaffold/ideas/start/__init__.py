"""A study is opened: its question is settled, and its baseline runs."""
