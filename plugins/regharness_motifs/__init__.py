"""Position weight matrices and how strongly they are bound: a library that plugins share. Offers no component.

``builtin.jaspar`` holds 24 count matrices of JASPAR CORE vertebrates, release 2026, as published, of factors
with known roles in K562 and HepG2 reporter assays. JASPAR (https://jaspar.elixir.no) is CC BY 4.0; cite
Rauluseviciute et al., JASPAR 2024, Nucleic Acids Research 52:D174 (2024), and the release itself.
"""
