"""What every other folder needs of Azure: settings, credentials, resource ids, clients, retries and failures."""
