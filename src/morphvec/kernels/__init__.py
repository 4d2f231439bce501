"""Compiled loops: arrays in, arrays out. No objects, strings, files or hidden state."""
