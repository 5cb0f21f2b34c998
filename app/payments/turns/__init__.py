"""Those who come back from Toss: their places in the line, and their claims on the goods."""
