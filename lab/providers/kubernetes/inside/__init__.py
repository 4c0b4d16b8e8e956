"""The program of the probe image: standard library only, copied into it as it is.

``python3 -I <this folder>``: reads what to aim at from ``LAB_PROBE`` (or from the file
named on the command line), tries it all, says what it found to the lab's report door.
Nothing in it knows what should hold: that is judged outside, by who told it the aims.
"""
