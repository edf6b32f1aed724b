"""The publisher's side of Azure: settings, identities, resource ids, ARM and the registry of managed applications."""
