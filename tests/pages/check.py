#!/usr/bin/env python3
"""Looks at pages in headless Chromium, for tests/pages.sh.

  check.py AXE.JS FOLDER PAGE...              fails on what a reader would stumble over
  check.py --pictures AXE.JS FOLDER PAGE...   and leaves pictures in FOLDER: 1600, 800 and 400 pixels wide,
                                              light, dark and printed

Of each page: axe-core's rules for accessibility, light and dark; at each width no text of a picture that is cut or covers
another, nothing wider than the window, what scrolls sideways says so, and what has a
meaning in the film is told apart by more than a shade.
"""

import json
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Width, scheme, and whether axe looks too: it takes the longest.
LOOKS = [(1600, "light", True), (800, "light", False), (400, "dark", True)]
PICTURES = [(width, scheme) for width in (1600, 800, 400) for scheme in ("light", "dark")]
HEIGHT_MAX = 16000

SCRIPT = """
const said = [];
const open = [...document.querySelectorAll('details')].filter(one => !one.open);
const height = document.documentElement.scrollHeight;
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
for (const one of document.querySelectorAll('.scroll')) {
  if (!one.clientWidth) continue;
  const scrolls = one.scrollWidth > one.clientWidth + 1;
  if (scrolls !== getComputedStyle(one, '::before').content.includes('scroll sideways'))
    said.push(`${name(one)} ${scrolls ? 'scrolls sideways without a word' : 'says that it scrolls, and does not'}`);
}
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
const done = () => {
  const pre = document.createElement('pre');
  pre.id = 'said';
  pre.textContent = JSON.stringify({ said: said.slice(0, 20), height });
  document.body.append(pre);
};
if (WITH_AXE) {
  axe.run(document, { resultTypes: ['violations'] }).then(found => {
    for (const one of found.violations)
      for (const node of one.nodes.slice(0, 3)) said.push(`${one.id}: ${one.help}: ${node.html.slice(0, 160)}`);
    done();
  }, error => { said.push(`axe: ${error}`); done(); });
} else done();
"""


def chromium(arguments, page, width, height, scheme):
    """Runs Chromium with a profile of its own, as several run at a time."""
    with tempfile.TemporaryDirectory(prefix="pgchaos-page-") as profile:
        command = [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--disable-dev-shm-usage", f"--user-data-dir={profile}", f"--window-size={width},{height}",
            f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
            *arguments, page.as_uri(),
        ]
        ran = subprocess.run(command, capture_output=True, timeout=120, check=False)
        return ran.stdout.decode(errors="replace")


def look(page, axe, width, scheme, with_axe, tries=2):
    """What there is to say of a page, and how high it is."""
    markup = page.read_text()
    script = (axe if with_axe else "") + SCRIPT.replace("WITH_AXE", str(with_axe).lower())
    with tempfile.TemporaryDirectory(prefix="pgchaos-page-") as folder:
        copy = Path(folder) / "page.html"
        copy.write_text(markup.replace("</body>", f"<script>{script}</script></body>"))
        dom = chromium(["--virtual-time-budget=60000", "--dump-dom"], copy, width, 1000, scheme)
    found = re.search(r'<pre id="said">(.*?)</pre>', dom, re.DOTALL)
    if found is None:
        # On a busy machine Chromium may not come up in its own time.
        if tries > 1:
            return look(page, axe, width, scheme, with_axe, tries - 1)
        return ["Chromium said nothing"], 1000
    text = found.group(1)
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(entity, letter)
    told = json.loads(text)
    return told["said"], told["height"]


def pictures(page, folder, axe):
    for width, scheme in PICTURES:
        _, height = look(page, axe, width, scheme, False)
        to = folder / f"{page.stem}-{width}-{scheme}.png"
        chromium([f"--screenshot={to}"], page, width, min(height, HEIGHT_MAX), scheme)
    pdf = folder / f"{page.stem}.pdf"
    chromium([f"--print-to-pdf={pdf}", "--no-pdf-header-footer"], page, 800, 1000, "light")
    subprocess.run(
        ["pdftoppm", "-png", "-r", "70", str(pdf), str(folder / f"{page.stem}-printed")], check=True
    )


def main(arguments):
    with_pictures = arguments[0] == "--pictures"
    axe_path, folder, *pages = arguments[1:] if with_pictures else arguments
    axe, folder = Path(axe_path).read_text(), Path(folder)
    pages = [Path(page).resolve() for page in pages]
    looks = [(page, *one) for page in pages for one in LOOKS]

    def run(one):
        page, width, scheme, with_axe = one
        said, _ = look(page, axe, width, scheme, with_axe)
        return [f"{page.name}, {width} px, {scheme}: {line}" for line in said]

    with ThreadPoolExecutor(2) as pool:
        said = [line for lines in pool.map(run, looks) for line in lines]
        if with_pictures:
            list(pool.map(lambda page: pictures(page, folder, axe), pages))
    for line in said:
        print(line)
    print(f"{len(pages)} pages looked at in Chromium: {len(said)} findings")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
