#!/usr/bin/env -S python3 -IS
"""Record one run of a command: its name, code, seed, environment, output and end, in one manifest.

A command (`record_run.py [options] -- COMMAND ...`), and inside Python `with record("baseline", seed=1) as run: ...`. The folder
`_record_run` is found without `sys.path`: no `re.py` of yours stands in for Python's. Its bytecode is used only where this user wrote
it, on this disk, for this very file (its key is the time at which that came to lie here, unknown to who ships it), untracked by git.
"""

import _imp
import marshal
import os
import sys
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader, cache_from_source, spec_from_file_location

FOLDER = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.realpath(__file__)) + "/_record_run"


def tracks_bytecode(folder: str) -> bool:
    """Whether the git repository of `folder` has bytecode of the recorder among its files."""
    while not os.path.exists(folder + "/.git") and len(folder) > 1:
        folder = os.path.dirname(folder)
    place = folder + "/.git"
    try:
        if os.path.isfile(place):
            with open(place, encoding="utf-8") as link:
                place = os.path.join(folder, link.read()[len("gitdir: ") :].rstrip())
        with open(place + "/index", "rb") as index:
            names = index.read()  # in version 4 without what a name has in common with the one before it
        return (b"pycache__/" if names[7:8] == b"\4" else b"_record_run/__pycache__/") in names
    except (OSError, ValueError):
        return False


class RecorderLoader(SourceFileLoader):
    """Finds and loads the recorder's modules: from bytecode that can be trusted, else from source, whose bytecode it then keeps."""

    is_cached = bool(sys.implementation.cache_tag) and not tracks_bytecode(PACKAGE)

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> object:
        package, _, module = name.partition(".")
        if package != "_record_run":
            return None
        file = f"{PACKAGE}/{module or '__init__'}.py"
        folders = None if module else [PACKAGE]
        return spec_from_file_location(name, file, loader=cls(name, file), submodule_search_locations=folders)

    def get_code(self, fullname: str) -> object:  # type: ignore[override]
        source, key = self.get_data(self.path), os.stat(self.path).st_ctime_ns
        head = MAGIC_NUMBER + b"\3\0\0\0" + _imp.source_hash(key, source)
        cache = cache_from_source(self.path) if self.is_cached else ""
        try:
            with open(cache, "rb") as file:
                data = file.read() if os.fstat(file.fileno()).st_uid == os.geteuid() else b""
            if data.startswith(head) and data.endswith(_imp.source_hash(key, data[:-8])):
                return marshal.loads(memoryview(data)[16:])
        except (OSError, ValueError, EOFError, TypeError):
            pass
        code = compile(source, self.path, "exec", dont_inherit=True)
        if cache and not sys.dont_write_bytecode and not os.environ.get("PYTHONDONTWRITEBYTECODE"):
            data = head + marshal.dumps(code)
            self.set_data(cache, data + _imp.source_hash(key, data))
        return code


sys.meta_path.insert(0, RecorderLoader)  # type: ignore[arg-type]
if __name__ == "__main__":
    try:
        from _record_run.main import main
    except Exception as error:  # a file is missing or broken; the command is what counts
        os.write(2, f"recorder: this run is not recorded: {type(error).__name__}: {error}\n".encode())
        command = sys.argv[sys.argv.index("--") + 1 :]
        os.execvp(command[0], command)
    os._exit(main(sys.argv[1:], FOLDER))
import _record_run  # noqa: E402
from _record_run.inside import record as record  # noqa: E402

_record_run.scripts = FOLDER
