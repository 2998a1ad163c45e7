# shellcheck shell=sh disable=SC2034
# lib.sh - what the scripts share: the project's folder, headings, packages.  Sourced, never run.

cd "$(dirname "$0")/.." || exit 1

# What building needs.  pocl-opencl-icd makes the CPU an OpenCL device, so that there always is one.
BUILD_PACKAGES="build-essential cmake ninja-build pkg-config pocl-opencl-icd ocl-icd-opencl-dev
    libclblast-dev libpng-dev libjpeg-dev zlib1g-dev libcyaml-dev libyaml-dev libjansson-dev
    libprotobuf-c-dev protobuf-c-compiler"
# What the tests need besides.
TEST_PACKAGES="libcmocka-dev oclgrind clang libclang-rt-14-dev clang-format clang-tidy cppcheck chromium python3"

say() {
    printf '\n== %s\n' "$*"
}

# "sudo -n" or nothing where packages can be installed without a question; fails where they cannot.
root_prefix() {
    if [ "$(id -u)" -eq 0 ]; then
        return 0
    fi
    command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null && echo "sudo -n"
}

# Install those of the named packages that are missing, or print how to and stop.
need_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        say "Not a Debian system: install what corresponds to these packages, if it is missing"
        echo "$@"
        return 0
    fi
    missing=""
    for package in "$@"; do
        case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
        *"ok installed"*) ;;
        *) missing="$missing $package" ;;
        esac
    done
    if [ -z "$missing" ]; then
        return 0
    fi
    if ! as_root=$(root_prefix); then
        {
            echo "These packages are missing, and installing them needs root. Please run"
            echo
            echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing"
            echo
            echo "and then $0 again."
        } >&2
        exit 1
    fi
    say "Installing$missing"
    # A list that cannot be refreshed may still be good enough to install from.
    $as_root apt-get -qq -o DPkg::Lock::Timeout=120 update </dev/null ||
        echo "apt-get update failed, trying with the lists that are there" >&2
    # shellcheck disable=SC2086 # a list of names
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 \
        install --no-install-recommends $missing </dev/null
}
