"""Read motif libraries and say how strongly they are bound: a library that plugins share. Offers no component.

``builtin.jaspar`` holds 24 count matrices of JASPAR 2026, collection CORE, vertebrates, as published, of factors
with known roles in K562 or HepG2 reporter assays. Licence CC BY 4.0; source https://jaspar.elixir.no (JASPAR 2026,
PMC12807658; Rauluseviciute et al., Nucleic Acids Research 52:D174, 2024).
"""
