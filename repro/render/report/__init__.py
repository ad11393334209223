"""One self-contained HTML page of everything: tables, claims, audit, figures, provenance."""
