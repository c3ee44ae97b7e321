"""tasks.md text -> Plan -> Findings; edits as text -> text; verification of what is claimed (specs: plan contract)."""
