"""Parts of the standard library without what their modules load beside them: `signal` without `enum`, hashes without OpenSSL.

Each would take longer than all of the recorder's own modules together.
"""

from __future__ import annotations

__all__ = ["sha1", "sha256", "signal"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from hashlib import sha1, sha256
else:
    try:
        import _signal as signal
    except ImportError:
        import signal
    try:
        from _sha1 import sha1
    except ImportError:
        from hashlib import sha1
    try:
        from _sha2 import sha256
    except ImportError:
        try:
            from _sha256 import sha256
        except ImportError:
            from hashlib import sha256
