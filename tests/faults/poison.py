"""Which pictures are deadly to the worker of tests.faults.deadly: told by a size that no other picture here has."""

CRASH, HOG, HANG = (96, 97), (96, 98), (96, 99)
