"""Every block of code in the documents is run, or read by what reads such files, and so is a command.

`table.py` has one row for each block, `sentences.py` for each command that stands in no block, with the one
way in which it is run (`ways.py`). A block without a row fails, and so does a row without a block. Most are
run by bash as they stand, in a clone of this repository (`place.py`): only addresses, keys and the folders of
root are replaced. Programs that change the machine, or need a container engine or a cluster, are stand-ins
that check what they are told (`stand_ins`); what starts the service there starts it really.
"""
