"""Who is who, and their tokens: Entra ID, managed identities, and what signs and verifies."""
