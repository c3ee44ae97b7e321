"""The commands of sweeps."""
