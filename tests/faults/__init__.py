"""The fault matrix on real processes; a package, so that its shops end when it does."""
