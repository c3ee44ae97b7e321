"""The recorder behind `record_run.py`: standard-library Python, 3.8 or newer, in modules of one thought each.

values, json_text, files -> redaction -> naming -> workspace; processes -> git -> trees, patches -> code_state; request, manifest,
records_home -> attempt; capture, display, guard, command, pseudo_terminal, environment -> supervision -> main; inside, for a block
of Python.

Starting up is most of what a run pays: nothing is imported that not every run needs, and what takes long without need (`json`, `re`,
`enum`, `typing`, OpenSSL) is not imported at all. What is needed after the command has started is imported before: an update
of the workspace may replace these files while a run is under way.
"""

scripts = ""  # the folder that `record_run.py` lies in, as it says itself
