"""Tickets: a try of a run may start only once, because only one launcher can take its ticket (docs/sweeps.md).

A ticket is a file of `KEY=VALUE` lines beside the launcher, `<run>.ticket`: `number` (the try), and what the launcher exports
for this try (EXPORTED, a key that is absent is left as it is). The launcher takes it by renaming it to `<run>.taken`, and adds
`host`, `pid` and `taken_at` lines to it. A new ticket is written only by who holds the ledger's lock, after the try before is over;
the taken ticket of the try before is kept as `<run>.taken.<number>`.
"""

from __future__ import annotations

# what a launcher exports for one try; everything else in a ticket is not passed on
EXPORTED = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "RUN_SERVER_URL", "RUN_SERVER_SWEEP_ID", "RUN_SERVER_RUN_ID")
NO_TICKET = 75
