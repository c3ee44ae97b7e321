"""What scripts in bash must not have, so that the bash and the tools of macOS run them. Neither can be run here: it is looked for."""

from __future__ import annotations

import re

# what bash learnt after 3.2, which is the bash of macOS
LATER_BASH = {
    r"\$\{[^}]*(,,|\^\^)[^}]*\}": "case of a value",
    r"\b(mapfile|readarray|coproc)\b": "a builtin",
    r"\b(declare|local|typeset)\s+-\w*[AgnlU]": "a kind of variable",
    r"&>>|\|&|;;&|;&": "an operator",
    r"\[\[[^]]*\s-v\s": "a test for a variable",
    r"\$'[^']*\\[uU][0-9a-fA-F]": "an escape",
    r"\{\d+\.\.\d+\.\.\d+\}": "a step in braces",
    r"\$\{[^}]*@[A-Za-z]\}": "a transformation",
    r"printf\s+(-v\s+\S+\s+)?['\"]?%\(": "a time of printf",
    r"\$\{\w+:\s+-\d|\$\{\w+\[-\d": "a place from the end",
    r"\bwait\s+-n\b|\bread\s+-\w*[iN]\b": "an option of a builtin",
    r"\$EPOCH|\$BASHPID|\$\{?BASH_ARGV0": "a variable",
}
# what GNU's tools have and BSD's have not, or take otherwise
GNU_ONLY = (
    r"\bstat\s+(-c|--)|\bsed\s+(-i|-r|--)|\breadlink\s+-f|\bdate\s+(-I|-d|--)|\bgrep\s+-\w*P|\bxargs\s+-\w*r|\bmktemp\s+--|\bcp\s+--"
    r"|\bmv\s+-\w*[tT]|\bls\s+--|\bhead\s+-c\s*-|\bdu\s+-b|\bps\s+--|\brealpath\b|\btac\b|\bseq\b|\btimeout\b|\bnproc\b|\bsetsid\b"
)


def unportable(script: str) -> list[str]:
    """What a script has that bash 3.2 or BSD's tools lack."""
    code = "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("#"))
    found = [
        f"{what} later than bash 3.2: {match[0]}"
        for pattern, what in LATER_BASH.items()
        if (match := re.search(pattern, code))
    ]
    return found + [f"GNU only: {match[0]}" for match in re.finditer(GNU_ONLY, code)]
