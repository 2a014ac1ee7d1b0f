#!/usr/bin/env python3
"""Looks at pages in headless Chromium, for tests/pages.sh.

  check.py AXE.JS FOLDER PAGE...              fails on what a reader would stumble over
  check.py --pictures AXE.JS FOLDER PAGE...   and leaves pictures in FOLDER: 1600, 800 and 400 pixels wide,
                                              light, dark and printed

Of each page: axe-core's rules for accessibility, light and dark; at each width no text of a picture that is cut or covers
another, nothing wider than the window, what scrolls sideways says so, and what has a meaning in the film is told apart by
more than a shade.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

# Width, scheme, and whether axe looks too: it takes the longest.
LOOKS = [(1600, "light", True), (800, "light", False), (400, "dark", True)]
PICTURES = [(width, scheme) for width in (1600, 800, 400) for scheme in ("light", "dark")]

SCRIPT = """
async withAxe => {
const said = [];
const open = [...document.querySelectorAll('details')].filter(one => !one.open);
open.forEach(one => one.open = true);
const name = one => JSON.stringify(one.textContent.trim().slice(0, 60));
if (document.documentElement.scrollWidth > innerWidth)
  said.push(`the page is ${document.documentElement.scrollWidth} wide`);
for (const svg of document.querySelectorAll('svg')) {
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].map(one => [one, one.getBoundingClientRect()]);
  for (const [one, box] of texts)
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
      said.push(`${name(one)} is cut`);
  texts.forEach(([one, a], n) => texts.slice(n + 1).forEach(([other, b]) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && high > a.height * 0.3) said.push(`${name(one)} and ${name(other)} cover each other`);
  }));
}
for (const one of document.querySelectorAll('.keys dd, .keys dt, h1, h2, h3, p, summary, td, th'))
  if (one.scrollWidth > one.clientWidth + 1) said.push(`${name(one)} does not fit`);
const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
  .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
const contrast = (one, other) => {
  const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
};
const ground = rgb(getComputedStyle(document.body).backgroundColor);
const film = document.querySelector('.film svg');
const drawn = (tag, name) => {
  const one = film.appendChild(document.createElementNS(film.namespaceURI, tag));
  one.setAttribute('class', name);
  const { stroke, fill, strokeDasharray: dashes, opacity } = getComputedStyle(one);
  one.remove();
  return { name, stroke: rgb(stroke), fill: rgb(fill), dashes, opacity };
};
// What has a meaning is seen on its ground, and two that stand beside each other are not told apart by a shade alone.
const apart = (all, shades) => all.forEach((one, n) => {
  const seen = shades(one).some(shade => shade.length && contrast(shade, ground) >= 3);
  if (!seen || one.opacity !== '1') said.push(`${one.name} is hardly seen`);
  for (const other of all.slice(n + 1)) {
    const [a, b] = [shades(one)[0], shades(other)[0]];
    if (one.dashes === other.dashes && contrast(a, b) < 1.6) said.push(`${one.name} and ${other.name} look alike`);
  }
});
if (film) {
  apart(['line max', 'line', 'line p50'].map(name => drawn('path', name)), one => [one.stroke]);
  apart(['prim', 'repl', 'start', 'down'].map(name => drawn('rect', name)), one => [one.fill, one.stroke]);
}
const sideways = () => [...document.querySelectorAll('.scroll')].filter(one => one.clientWidth).flatMap(one => {
  const scrolls = one.scrollWidth > one.clientWidth + 1;
  if (scrolls === getComputedStyle(one, '::before').content.includes('scroll sideways')) return [];
  return [`${name(one)} ${scrolls ? 'scrolls sideways without a word' : 'says that it scrolls, and does not'}`];
});
if (withAxe) {
  const found = await axe.run(document, { resultTypes: ['violations'] });
  for (const one of found.violations)
    for (const node of one.nodes.slice(0, 3)) said.push(`${one.id}: ${one.help}: ${node.html.slice(0, 160)}`);
}
// Whether something scrolls is known to the style a frame later.
const frame = () => new Promise(requestAnimationFrame);
await frame();
await frame();
said.push(...sideways());
return said.slice(0, 20);
}
"""


class Looker:
    """One Chromium, for a thread of its own."""

    def __init__(self, axe):
        self.axe = axe
        self.driver = sync_playwright().start()
        self.chromium = self.driver.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"],
        )

    def close(self):
        self.chromium.close()
        self.driver.stop()

    @contextmanager
    def opened(self, page, width, scheme):
        tab = self.chromium.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme)
        try:
            tab.goto(page.as_uri())
            yield tab
        finally:
            tab.close()

    def look(self, page, width, scheme, with_axe):
        """What there is to say of a page."""
        with self.opened(page, width, scheme) as tab:
            if with_axe:
                tab.evaluate(self.axe)
            return tab.evaluate(SCRIPT, with_axe)

    def pictures(self, page, folder):
        for width, scheme in PICTURES:
            with self.opened(page, width, scheme) as tab:
                tab.screenshot(path=folder / f"{page.stem}-{width}-{scheme}.png", full_page=True)
        pdf = folder / f"{page.stem}.pdf"
        with self.opened(page, 800, "light") as tab:
            tab.pdf(path=pdf)
        subprocess.run(
            ["pdftoppm", "-png", "-r", "70", str(pdf), str(folder / f"{page.stem}-printed")], check=True
        )


def main(arguments):
    with_pictures = arguments[0] == "--pictures"
    axe_path, folder, *pages = arguments[1:] if with_pictures else arguments
    axe, folder = Path(axe_path).read_text(), Path(folder)
    pages = [Path(page).resolve() for page in pages]

    def look_at(some):
        looker = Looker(axe)
        try:
            said = []
            for page in some:
                for width, scheme, with_axe in LOOKS:
                    lines = looker.look(page, width, scheme, with_axe)
                    said += [f"{page.name}, {width} px, {scheme}: {line}" for line in lines]
                if with_pictures:
                    looker.pictures(page, folder)
            return said
        finally:
            looker.close()

    with ThreadPoolExecutor(2) as pool:
        said = [line for lines in pool.map(look_at, [pages[::2], pages[1::2]]) for line in lines]
    for line in said:
        print(line)
    print(f"{len(pages)} pages looked at in Chromium: {len(said)} findings")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
