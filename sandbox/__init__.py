"""Stand-ins for outside parties, and private real servers; nothing here imports the app."""
