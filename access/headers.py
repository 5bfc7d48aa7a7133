"""What pages may ask of the browser."""

FEATURES = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")


def permissions_policy(*used: str) -> str:
    """Nothing that a page does not use may be used by what gets into it."""
    return ", ".join(f"{feature}=({'self' if feature in used else ''})" for feature in FEATURES)
