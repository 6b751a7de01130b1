"""The process that decodes one HEIC: stands alone, so that it starts fast. ``file target max_pixels``.

Prints the primaries that the container states, where no colour profile tells them.
"""

import sys

DAMAGED, TOO_LARGE, HDR = 3, 4, 5
"""Exit status when the last line of stderr says why. Convention."""
HDR_TRANSFERS = (16, 18)
"""PQ and HLG, as H.273 numbers them. Convention."""

_THROWN = (ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError, SyntaxError, TypeError)
"""What pi-heif throws on damaged files, with ValueError; anything else is a fault of ours, and its traceback is told."""


def main(file: str, target: str, max_pixels: int) -> int:
    import pi_heif
    from PIL.PngImagePlugin import PngInfo

    try:
        picture = pi_heif.open_heif(file)  # reads the header alone
        width, height = picture.size
        if width * height > max_pixels:
            print(f"{width}x{height} pixels", file=sys.stderr)
            return TOO_LARGE
        profile, stated = picture.info.get("icc_profile"), picture.info.get("nclx_profile") or {}
        if not profile and int(stated.get("transfer_characteristics", 2)) in HDR_TRANSFERS:
            print(int(stated["transfer_characteristics"]), file=sys.stderr)
            return HDR
        image = picture.to_pillow()  # turned and mirrored as the file says, and its EXIF says so no more
        packet = PngInfo()
        if picture.info.get("xmp"):
            packet.add_itxt("XML:com.adobe.xmp", picture.info["xmp"].decode("utf-8", "replace"))
        exif = image.getexif().tobytes()
        image.save(target, format="PNG", compress_level=1, exif=exif, icc_profile=profile or None, pnginfo=packet)
        if not profile and "color_primaries" in stated:
            print(int(stated["color_primaries"]))
    except (*_THROWN, ValueError) as error:
        print(" ".join(str(error).split()) or type(error).__name__, file=sys.stderr)
        return DAMAGED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
