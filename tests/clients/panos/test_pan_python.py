"""pan-python, unmodified, against the simulated firewall."""

from checked import main
from pan_python.config import Places, Reads, Transactions, Writes
from pan_python.device import Commits, Files, Keys, OldKeys, Operations, UserIds

__all__ = ["Commits", "Files", "Keys", "OldKeys", "Operations", "Places", "Reads", "Transactions", "UserIds", "Writes"]

if __name__ == "__main__":
    main()
