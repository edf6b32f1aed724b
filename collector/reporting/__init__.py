"""From policy states to table rows: rows, chunks, uploads, and the outcome of each application."""
