"""What others read: CTC and Cellpose folders, torch data sets, preview pictures."""
