"""One run on asyncio: the default engine."""
