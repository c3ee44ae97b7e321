"""One try of a run: its files, from the claim of its number to the last state of its manifest."""

from __future__ import annotations

import errno
import os
import time
from _thread import allocate_lock

from .code_state import capture
from .config_files import CONFIG_FILES, hash_counted
from .files import LARGEST_TEXT_BYTES, append_to, file_size, write_atomic
from .json_text import to_json
from .lean_imports import sha256
from .manifest import final_metrics, first_manifest, timestamp
from .messages import warn
from .naming import SCHEME_VARIABLE, Identity, choose_scheme, safe_name
from .processes import process_mark
from .redaction import redact, text_kind
from .workspace import RECORD_FOLDERS, ROLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Callable

    from .command import Outcome
    from .records_home import RecordFiles
    from .request import Request
    from .workspace import Workspace


REPORT_VARIABLE = "RUN_TELL"

# what is asked of this recorder alone, and not of one that the command may start
ASKING_VARIABLES = (REPORT_VARIABLE, SCHEME_VARIABLE, "RUN_SEED_SOURCE")


class Attempt:
    """One try of a run and its files; every path of it is relative to the work directory."""

    def __init__(
        self, workspace: Workspace, request: Request, *, meanwhile: Callable[[], object] | None = None
    ) -> None:
        """Settle names and code state; `meanwhile` is called while git works. Raises RecorderError where a config file cannot be read."""
        self.workspace = workspace
        self.request = request
        scheme = choose_scheme(os.environ.get(SCHEME_VARIABLE), workspace.name_scheme)
        self.state = capture(
            workspace,
            request.argv,
            with_patch=request.patch and not request.name_only,
            with_pin=not request.name_only,
            meanwhile=meanwhile,
            scheme=scheme,
        )
        configs = hash_counted("/", [os.path.realpath(c) for c in request.configs], scheme)
        script = request.stdin_script.content if request.stdin_script and scheme > 1 else None
        self.configs = configs + [
            (os.path.join(self.state.top, p), h) for p, h in self.state.files if p.endswith(CONFIG_FILES)
        ]
        folder = os.path.relpath(os.path.realpath(os.getcwd()), self.state.top)
        self.outside = folder.split("/")[0] == ".."
        self.identity = Identity(
            request.argv,
            experiment=request.experiment or workspace.experiment_at(os.getcwd()),
            seed=request.seed,
            params=request.params,
            cwd="" if self.outside else folder,
            top=self.state.top,
            code=self.state.code,
            files=[digest for _, digest in configs + self.state.files]
            + ([sha256(script).hexdigest()] if script else []),
            scheme=scheme,
        )
        self.name = self.identity.name
        self.seed_source = self._find_seed_source()
        self.dirs = {r: workspace.role(r, self.identity.experiment) for r in ROLES}
        self.number = 0
        self.stem = self.name
        self.manifest: dict[str, Any] = {}
        self.lock = allocate_lock()
        self.started = 0.0
        self.records: RecordFiles  # there once the attempt is claimed

    def _find_seed_source(self) -> str | None:
        """How the seed reaches the command; None where there is no seed."""
        if self.identity.seed is None or self.identity.names_seed:
            return None if self.identity.seed is None else "arguments"
        from .seed_source import find_seed_source  # most commands name their seed

        return find_seed_source(self.request.argv, self.identity.seed)

    def warn_of_label(self) -> None:
        """Say that the seed is a mere label."""
        from .seed_source import warn_of_label

        warn_of_label(self.identity.seed or 0)

    def path(self, relative: str) -> str:
        """The absolute path of one of the attempt's files."""
        return os.path.join(self.workspace.workdir, relative)

    @property
    def manifest_path(self) -> str:
        """Where the manifest lies."""
        return "{}/{}.json".format(self.dirs["metadata"], self.stem)

    @property
    def _live_path(self) -> str:
        """Where it is said which process records."""
        return "{}/.live/{}.json".format(self.dirs["metadata"], self.stem)

    @property
    def outputs(self) -> str:
        """The directory that the run may fill."""
        return "{}/{}".format(self.dirs["outputs"], self.stem)

    def log_path(self, stream: str, of_rank: int = 0) -> str:
        """Where a stream (`out`, `err`) is kept."""
        return "{}/{}{}.{}".format(self.dirs["logs"], self.stem, ".rank%d" % of_rank if of_rank else "", stream)

    def _open_records(self) -> None:
        from .records_home import RecordFiles, open_home  # a run that only wants its name has no use for it

        self.records = RecordFiles(self.workspace.workdir, open_home(self.state.top, self.workspace))

    def claim(self) -> None:
        """Take the next free attempt for this process alone. Raises OSError when the directories cannot be written."""
        self._check_places()
        self._open_records()
        for role in ("metadata", "logs", "outputs"):
            os.makedirs(self.path(self.dirs[role]), exist_ok=True)
        while True:
            self.number += 1
            self.stem = self.name if self.number == 1 else "%s.%d" % (self.name, self.number)
            files = (self.manifest_path, self.log_path("out"), self.log_path("err"), self.outputs)
            if any(os.path.lexists(self.path(p)) for p in files) or not self.records.claim(self.manifest_path):
                continue
            try:
                os.mkdir(self.path(self.outputs))
                return
            except FileExistsError:
                self.records.release(self.manifest_path)

    def _check_places(self) -> None:
        """Raise RecorderError where a folder that is about to be written leads out of the work directory."""
        below = [f"{self.dirs['metadata']}/{name}" for name in RECORD_FOLDERS]
        self.workspace.check_folders([self.dirs["logs"], self.dirs["outputs"], *below])

    def claim_rank(self, of_rank: int) -> None:
        """Take the attempt of another rank's recorder: the log is claimed, the directory is rank 0's. Raises OSError."""
        self._check_places()
        self._open_records()
        os.makedirs(self.path(self.dirs["logs"]), exist_ok=True)
        while True:
            self.number += 1
            self.stem = self.name if self.number == 1 else "%s.%d" % (self.name, self.number)
            log, outputs = self.path(self.log_path("out", of_rank)), self.path(self.outputs)
            if not os.path.isdir(outputs) and self.records.has_ended(self.manifest_path):
                continue  # an attempt of another working tree
            try:
                os.close(os.open(log, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            except FileExistsError:
                continue
            limit = time.monotonic() + 5
            while not os.path.isdir(outputs) and time.monotonic() < limit:
                time.sleep(0.02)
            if os.path.isdir(outputs) or not self.records.is_taken(self.manifest_path):
                return
            os.unlink(log)

    def begin(self) -> None:
        """Save patch and configs and write the manifest, status `running`. Trouble is said."""
        self.started = time.time()
        self.manifest = first_manifest(self)
        try:
            metadata = self.dirs["metadata"]
            for state in [self.state, *self.state.submodules]:
                if state.git is not None and state.patch:
                    state.git["patch"] = self._store(f"{metadata}/patches", state.patch, ".patch")
            for path, _ in self.configs:
                self._store_config(f"{metadata}/configs", path)
            self._store_stdin_script(f"{metadata}/stdin")
            self._mark_alive()
            self.write()
            self._report()
        except Exception as error:
            warn(f"the manifest {self.manifest_path} cannot be written ({error})")

    def _store_config(self, folder: str, path: str) -> None:
        if file_size(path) <= LARGEST_TEXT_BYTES:
            with open(path, "rb") as file:
                content = os.fsencode(redact(os.fsdecode(file.read()), text_kind(path)))
            copy = self._store(folder, content, "-" + safe_name(redact(os.path.basename(path)))[-60:])
            self.manifest["paths"]["configs"].append(copy)

    def _store_stdin_script(self, folder: str) -> None:
        script = self.request.stdin_script
        if script and script.content:
            content = os.fsencode(redact(os.fsdecode(script.content), text_kind(script.suffix)))
            self.manifest["paths"]["stdin"] = self._store(folder, content, script.suffix)

    def _store(self, folder: str, content: bytes, suffix: str) -> str:
        path = f"{folder}/{sha256(content).hexdigest()[:16]}{suffix}"
        if os.path.islink(self.path(path)) or not os.path.exists(self.path(path)):
            try:
                os.mkdir(self.path(folder))
            except OSError:
                pass  # it is there, or the folder above has gone since the run began, and is not made again
            self.records.write(path, content)
        else:
            self.records.add_to_home(path, content)
        return path

    def write(self) -> None:
        """Write the manifest. Raises OSError.

        Only its last state is synced: power that fails before takes the run along.
        """
        self.records.write(self.manifest_path, self._text(), sync=self.manifest["status"] != "running")

    def _text(self) -> bytes:
        return (to_json(self.manifest, "\n") + "\n").encode()

    def _write_last(self) -> None:
        """Write the manifest's last state, also where the disk is full: a run that ended must not be taken for lost. Raises OSError."""
        path, data = self.path(self.manifest_path), self._text()
        try:
            write_atomic(path, data)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self._write_without_room(path, data):
                self.records.write(self.manifest_path, data)
        self.records.add_to_home(self.manifest_path, data)
        self.records.note_digest(self.manifest_path, self.manifest["run"]["uuid"], data)

    def _write_without_room(self, path: str, data: bytes) -> bool:
        from .full_disk import write_without_room  # seldom

        try:
            write_without_room(path, data, [self.path(self.log_path(stream)) for stream in ("out", "err")])
        except OSError:
            return False
        return True

    def _report(self) -> None:
        """Say where the manifest is, in the file that whoever started this run asks for it: others may start runs of its name."""
        file = os.environ.get(REPORT_VARIABLE)
        try:
            if file:
                append_to(file, os.fsencode(self.path(self.manifest_path)) + b"\n")
        except OSError as error:
            warn(f"{file} cannot be written ({error.strerror}): who asked does not learn where the manifest is")

    def _mark_alive(self) -> None:
        os.makedirs(os.path.dirname(self.path(self._live_path)), exist_ok=True)
        self.records.write(self._live_path, to_json(process_mark(os.getpid())).encode(), sync=False)

    def end(self, outcome: Outcome, duration: float) -> None:
        """Write the manifest's last state. Trouble is said, never raised: the command's outcome stands."""
        with self.lock:
            self.manifest["status"] = outcome.status
            self.manifest["exit"] = {"code": outcome.code, "signal": outcome.signal_name}
            self.manifest["time"].update(ended_at=timestamp(self.started + duration), duration_s=round(duration, 6))
            self.manifest["resources"].update(outcome.usage)
            try:
                self.manifest["metrics"] = final_metrics(self.path(self.outputs))
                if self.request.metric_patterns or self.workspace.printed_metrics:
                    from .printed import add_printed_metrics  # where a workspace has patterns only: it loads `re`

                    add_printed_metrics(self)
            except Exception as error:
                warn(f"the metrics of the run cannot be read ({error})")
            try:
                self._write_last()
            except Exception as error:
                warn(f"the manifest {self.manifest_path} cannot be completed ({error}): it still says `running`")
        self.records.remove_mark(self._live_path)

    def store_packages(self, text: str) -> str:
        """Save a package list; its path. Raises OSError."""
        return self._store("{}/environments".format(self.dirs["metadata"]), text.encode(), ".txt")

    def add_facts(self, part: str, values: Mapping[str, Any]) -> None:
        """Put slow facts into a part of the manifest, and write it where the run is not over at once. Raises OSError."""
        with self.lock:
            self.manifest[part].update(values)
            if self.manifest["status"] == "running" and time.time() > self.started + 1:
                self.write()

    def environment(self) -> dict[str, str]:
        """What the command finds in its environment."""
        values = {
            "RUN_NAME": self.name,
            "RUN_OUTPUT_DIR": self.path(self.outputs),
            "RUN_MANIFEST": self.path(self.manifest_path),
        }
        if self.identity.seed is not None:
            values["RUN_SEED"] = str(self.identity.seed)
        return {**values, **dict.fromkeys(self.workspace.tracker_variables(), values["RUN_OUTPUT_DIR"])}
