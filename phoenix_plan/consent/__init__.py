"""Who agreed to what: approvals, modes, and the config's own word."""
