"""Starts the program slipway, which is installed beside this package."""

import os
import subprocess
import sys
import sysconfig


def find():
    """Returns the path of the program. Installers put it into the directory of scripts of the
    prefix that this package is below, or with --target beside this package."""
    name = "slipway.exe" if sys.platform == "win32" else "slipway"
    directory = os.path.dirname(os.path.abspath(__file__))
    places = []
    for _ in range(4):  # PREFIX/lib/python3.12/site-packages
        directory = os.path.dirname(directory)
        places += [os.path.join(directory, "bin"), os.path.join(directory, "Scripts")]
    places.append(sysconfig.get_path("scripts"))
    for place in places:
        program = os.path.join(place, name)
        if os.path.isfile(program):
            return program
    sys.exit("slipway: the program is in none of: " + ", ".join(places) + "; install the package slipway-ci again")


def main():
    program = find()
    if sys.platform != "win32":
        os.execv(program, [program, *sys.argv[1:]])
    child = subprocess.Popen([program, *sys.argv[1:]])
    while True:
        try:
            sys.exit(child.wait())
        except KeyboardInterrupt:  # the program gets it, too, and ends what it has begun
            pass


if __name__ == "__main__":
    main()
