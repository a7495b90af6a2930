"""Position weight matrices and how strongly they are bound: a library that plugins share. Offers no component.

``builtin.jaspar`` holds 20 count matrices of JASPAR CORE vertebrates, release 2026, as published, under
CC BY 4.0 (https://jaspar.elixir.no; Ovek Baydar et al., Nucleic Acids Research 54, 2026): transcription
factors with known roles in K562 and HepG2 reporter assays.
"""
