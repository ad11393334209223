"""Judged tables to characters and pictures; computes and compares nothing."""
