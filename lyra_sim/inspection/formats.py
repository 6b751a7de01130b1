"""stub"""
def confirmation_of(name: str) -> str:
    return ""
