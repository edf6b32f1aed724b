"""From policy states to the tables: rows, chunks, uploads, and the outcome of each application."""
