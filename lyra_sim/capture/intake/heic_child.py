"""The process that decodes one HEIC: stands alone, so that it starts fast. ``file target max_pixels``."""

import sys

DAMAGED, TOO_LARGE = 3, 4
"""Exit status when the last line of stderr says why. Convention."""

_THROWN = (ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError, SyntaxError, TypeError)
"""What pi-heif throws on damaged files, with ValueError; anything else is a fault of ours, and its traceback is told."""


def main(file: str, target: str, max_pixels: int) -> int:
    import pi_heif

    try:
        picture = pi_heif.open_heif(file)  # reads the header alone
        width, height = picture.size
        if width * height > max_pixels:
            print(f"{width}x{height} pixels", file=sys.stderr)
            return TOO_LARGE
        image = picture.to_pillow()  # turned and mirrored as the file says, and its EXIF says so no more
        image.save(target, format="PNG", compress_level=1, exif=image.getexif().tobytes(), icc_profile=None)
    except (*_THROWN, ValueError) as error:
        print(" ".join(str(error).split()) or type(error).__name__, file=sys.stderr)
        return DAMAGED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
