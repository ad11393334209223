"""Files of others: brought here over http(s), from Google Drive or from a folder, checked, and kept with a receipt."""
