"""Who is registered: one row for each managed application, kept in Table storage and true to Azure Resource Manager."""
