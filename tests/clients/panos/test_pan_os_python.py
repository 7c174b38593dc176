"""pan-os-python, unmodified, against the simulated firewall."""

from checked import main
from pan_os_python.commits import BusyCommits, Commits, Locks
from pan_os_python.rules import Rules
from pan_os_python.system import Alone, Mishaps, Pairs, Systems, Versions, VirtualSystems
from pan_os_python.things import Objects
from pan_os_python.users import Administrators, Forbidden, Keys, UserIds

__all__ = ["Administrators", "Alone", "BusyCommits", "Commits", "Forbidden", "Keys", "Locks", "Mishaps", "Objects", "Pairs",
           "Rules", "Systems", "UserIds", "Versions", "VirtualSystems"]

if __name__ == "__main__":
    main()
