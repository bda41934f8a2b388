"""The bundles that come with the package, as package data."""
