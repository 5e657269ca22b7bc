"""Looks into the program of a function before it is uploaded: Lambda would say what is wrong with it only when it is called."""

from on_aws import DeployFailed

# https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
MAGIC, MACHINE = b"\x7fELF", slice(18, 20)
MACHINES = {"arm64": 183, "x86_64": 62}
# What Rust's standard library says of what it cannot catch, and only in a program that catches panics.
PANIC_MARKER = b"Rust cannot catch foreign exceptions"


def check_program(path, architecture):
    """Raises DeployFailed for a file that the architecture does not run, and for a program that a panic aborts: a panic of one record
    would fail its whole batch."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DeployFailed(f"{path} is missing: build it") from None
    if not content.startswith(MAGIC):
        raise DeployFailed(f"{path} is no program for Linux: build it for {architecture}")
    if int.from_bytes(content[MACHINE], "little") != MACHINES[architecture]:
        raise DeployFailed(f"{path} is for another processor than {architecture}: build it for that, or set Architecture")
    if PANIC_MARKER not in content:
        raise DeployFailed(f'{path} would be aborted by a panic: build it with panic = "unwind", as the profile release in Cargo.toml says')
