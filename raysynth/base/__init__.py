"""What every room uses: errors, files and objects, random seeds, reports."""
