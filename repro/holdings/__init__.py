"""What of the data sets is on this machine: found, counted, compared with the catalogue, brought here, derived."""
