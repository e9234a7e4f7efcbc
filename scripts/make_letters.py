#!/usr/bin/env python3
"""Writes the outlines of the letters that charts are lettered with: assets/letters/{plain,bold}.txt.

One line a character: its code in hexadecimal, its advance, its outline (M x y, L x y, Q x y x y, Z) in units of 1/2048 of the
letter size, y upwards from the base line. Needs fonttools and the DejaVu fonts.

    python scripts/make_letters.py /usr/share/fonts/truetype/dejavu
"""
import pathlib, sys

from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTFont

ROOT = pathlib.Path(__file__).resolve().parent.parent
WANTED = [*range(0x20, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
WANTED += [ord(c) for c in "–—‘’“”•…€←→≈≤≥−□⁰⁴⁵⁶⁷⁸⁹⁻�"]


class Outline(BasePen):
    def __init__(self, glyphs):
        super().__init__(glyphs)
        self.words = []

    def add(self, name, *points):
        self.words += [name, *(str(round(v)) for point in points for v in point)]

    def _moveTo(self, p):
        self.add("M", p)

    def _lineTo(self, p):
        self.add("L", p)

    def _qCurveToOne(self, control, end):
        self.add("Q", control, end)

    def _closePath(self):
        self.add("Z")


def main(folder):
    for name, file in [("plain", "DejaVuSansCondensed.ttf"), ("bold", "DejaVuSansCondensed-Bold.ttf")]:
        font = TTFont(pathlib.Path(folder) / file)
        glyphs, names = font.getGlyphSet(), font.getBestCmap()
        lines = []
        for code in sorted(set(WANTED) & set(names)):
            pen = Outline(glyphs)
            glyphs[names[code]].draw(pen)
            lines.append(" ".join([f"{code:x}", str(glyphs[names[code]].width), *pen.words]))
        (ROOT / "assets/letters" / f"{name}.txt").write_text("\n".join(lines) + "\n")


main(sys.argv[1])
