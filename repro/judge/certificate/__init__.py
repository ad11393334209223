"""A certificate: what was measured, from which files, how it was judged; and whether all of that still holds.

Written: `composition`, of what `evidence` finds in a results folder, what `essentials` keeps of specs and profile, and
what `telling` says of a board. Its form: `layout` and `premises`.

Read again: `reading`, then `verification` and its five parts: `grounds` (specs, policy, code), `records` (files and
hashes), `recipes`, `measurements` (every metric once more: `arithmetic`, `cosines`, `shape_bias` over `predictions` and
`targets`), `verdicts` (by `judgement`). `ledger` counts what came of it, `differences` says where two values part.
"""
