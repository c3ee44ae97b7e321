"""Facts -> Conventions, one file per subject, each value with its evidence."""

from scaffold.conventions.model import Conventions


def detect(workdir, *, history=False):
    return Conventions()
