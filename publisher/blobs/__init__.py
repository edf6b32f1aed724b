"""Blob storage, with the same retries and the same reading of answers as tables and queues."""
