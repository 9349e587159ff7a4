"""Chaos on live traffic: plans of phases on a timeline, which add fault rules and act on the server.

A plan (``plans.py``) is a list of phases, each with fault rules and actions; an incident (``incidents.py``) is a plan
with a name that comes with the package. A running plan (``running.py``) belongs to the rule book of a world, which
evaluates the rules of the present phase after its own.
"""
