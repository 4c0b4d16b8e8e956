"""What a provision costs the API server and us, and what becomes of it in a large lab."""
