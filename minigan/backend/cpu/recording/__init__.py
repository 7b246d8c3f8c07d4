"""A step recorded on the CPU: as a list of calls that write into memory made once.

recorder.py   what is written down while a step is made
array.py      the array that a step computes with meanwhile
functions.py  NumPy's functions, and kernels.py minigan's, of such arrays
plan.py       where each buffer of the step lies in memory
calls.py      the list, which is the step from then on
"""
