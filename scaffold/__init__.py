"""An experiment workspace for a research repository that already exists.

facts -> conventions -> answers -> render      what the repository does, and the workspace that fits it
plan text -> plan -> findings                  the plan contract at work
grid -> names -> launchers -> backends         sweeps that resume
manifests + metrics -> table -> report         results that can be believed
"""

__version__ = "0.7.1"
