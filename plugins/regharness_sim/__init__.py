"""A mechanistic simulation of MPRA data, the shifts that change its mechanism or its assay, and the oracle."""

from regharness import Component, hookimpl

SOURCE = "After Yang 2026, arXiv 2601.14969"


@hookimpl
def regharness_data_generators() -> dict[str, Component]:
    """Offer ``simulated_mpra``."""
    return {
        "simulated_mpra": Component(
            "regharness_sim.generator:SimulatedMPRA",
            parameters="regharness_sim.parameters:SimulationParameters",
            summary="Sequences, motif occupancy, cell-type programs and barcode counts, with the noiseless truth.",
            citation=f"{SOURCE}; counts after Inoue et al., Genome Research 27:38 (2017)",
        )
    }


@hookimpl
def regharness_shift_operators() -> dict[str, Component]:
    """Offer the shifts that need the mechanism."""
    graded = "regharness.graded:GradedParameters"
    directed = "regharness_sim.parameters:DirectedParameters"
    return {
        "gc_content": Component(
            "regharness_sim.covariate:GCContent",
            parameters=directed,
            summary="New sequences with another mean GC content, labelled by the same mechanism (covariate shift).",
            citation=SOURCE,
        ),
        "cpg_depletion": Component(
            "regharness_sim.covariate:CpGDepletion",
            parameters=graded,
            summary="New sequences with rarer CpG, labelled by the same mechanism (covariate shift).",
            citation="Bird, Nucleic Acids Research 8:1499 (1980)",
        ),
        "motif_density": Component(
            "regharness_sim.covariate:MotifDensity",
            parameters=directed,
            summary="New sequences with more or fewer planted motifs, same mechanism (covariate shift).",
            citation="de Boer et al., Nature Biotechnology 38:56 (2020)",
        ),
        "motif_usage": Component(
            "regharness_sim.covariate:MotifUsage",
            parameters=graded,
            summary="New sequences in which other motifs are frequent, same mechanism (covariate shift).",
            citation=SOURCE,
        ),
        "evolutionary_turnover": Component(
            "regharness_sim.mutation:EvolutionaryTurnover",
            parameters="regharness_sim.parameters:TurnoverParameters",
            summary="The sequences after neutral substitutions, labelled by the same mechanism (covariate shift).",
            citation="Hasegawa, Kishino & Yano, Journal of Molecular Evolution 22:160 (1985)",
        ),
        "indels": Component(
            "regharness_sim.mutation:Indels",
            parameters="regharness_sim.parameters:IndelParameters",
            summary="The sequences after insertions and deletions, labelled by the same mechanism (covariate shift).",
            citation="Cartwright, Molecular Biology and Evolution 26:473 (2009)",
        ),
        "motif_effect_rewiring": Component(
            "regharness_sim.concept:MotifEffectRewiring",
            parameters=graded,
            summary="The same sequences with effects moved from motif to motif (concept shift).",
            citation=SOURCE,
        ),
        "pwm_perturbation": Component(
            "regharness_sim.concept:PWMPerturbation",
            parameters=graded,
            summary="The same sequences, bound by factors that recognise other motifs (concept shift).",
            citation=SOURCE,
        ),
        "tf_concentration": Component(
            "regharness_sim.concept:TFConcentration",
            parameters=graded,
            summary="The same sequences with other amounts of every factor (concept shift).",
            citation="Berg & von Hippel, Journal of Molecular Biology 193:723 (1987)",
        ),
        "cell_type": Component(
            "regharness_sim.concept:CellType",
            parameters=graded,
            summary="The same sequences in another cell type (concept shift).",
            citation=SOURCE,
        ),
        "grammar_spacing": Component(
            "regharness_sim.concept:GrammarSpacing",
            parameters=graded,
            summary="The same sequences with motif pairs that act at another distance (concept shift).",
            citation="Georgakopoulos-Soares et al., Nature Communications 14:2333 (2023)",
        ),
        "library_gc_skew": Component(
            "regharness_sim.representation:LibraryGCSkew",
            parameters=graded,
            summary="Elements of unusual GC content are rare in the library, and measured worse (noise shift).",
            citation="Benjamini & Speed, Nucleic Acids Research 40:e72 (2012)",
        ),
    }


@hookimpl
def regharness_model_adapters() -> dict[str, Component]:
    """Offer ``oracle``."""
    return {
        "oracle": Component(
            "regharness_sim.oracle:Oracle",
            summary="The noiseless truth and the known noise: what no model can beat on average.",
        )
    }
