"""Face recognition without a database or settings: bytes to images to faces to vectors to identities.

Nothing here knows Django, people or storage. Everything raised on purpose is an `EngineError`.
"""
