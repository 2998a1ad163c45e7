#!/bin/sh
# report_page.sh - a report's page as a browser shows it, on a desktop and on a phone, light and dark
#
# Needs Chromium (MIEN_CHROMIUM names another program) and Python; skipped (77) without.
chromium=${MIEN_CHROMIUM:-chromium}
if ! command -v "$chromium" >/dev/null || ! command -v python3 >/dev/null; then
    echo "$chromium or python3 is not installed (apt-get install chromium python3)"
    exit 77
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(pwd)
cd "$work" || exit 1

expect 0 synth faces --count 140
expect 0 train faces --recipe "$here/recipes/tiny.yaml" --out run --epochs 4 --quiet
expect 0 report run --quiet
check "the page is not as it should be" \
    timeout 120 python3 "$here/tests/cli/report_page.py" "$chromium" run/report.html

# A run that goes on, as mien train --watch writes it, and its end.
sed 's/^{"format"/{"reload_seconds": 1, "format"/' run/report.json >live.json
expect 0 report live.json --quiet
check "the page does not follow a run as it should" \
    timeout 120 python3 "$here/tests/cli/report_page.py" "$chromium" live.html --reload run/report.html
finish
