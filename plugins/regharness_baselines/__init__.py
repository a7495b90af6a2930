"""Baselines that a model should beat: k-mers, trees on motifs, GC content, the mean. Importing it is cheap."""

from regharness import Component, hookimpl


@hookimpl
def regharness_model_adapters() -> dict[str, Component]:
    """Offer ``kmer_ridge``, ``gapped_kmer``, ``motif_trees``, ``gc_linear`` and ``mean``."""
    return {
        "kmer_ridge": Component(
            "regharness_baselines.models:KmerRidge",
            parameters="regharness_baselines.parameters:KmerRidgeParameters",
            summary="Bayesian ridge regression on counts of k-mers, both strands as one.",
            citation="MacKay, Neural Computation 4:415 (1992); Golub, Heath & Wahba, Technometrics 21:215 (1979)",
        ),
        "gapped_kmer": Component(
            "regharness_baselines.models:GappedKmer",
            parameters="regharness_baselines.parameters:GappedKmerParameters",
            summary="Gaussian process with a gapped k-mer kernel, both strands as one, through landmark sequences.",
            citation="Ghandi et al., PLoS Comput. Biol. 10:e1003711 (2014); Williams & Seeger, NIPS 13:682 (2000)",
        ),
        "motif_trees": Component(
            "regharness_baselines.motif_trees:MotifTrees",
            parameters="regharness_baselines.parameters:MotifTreesParameters",
            summary="Gradient-boosted trees on motif occupancy and GC content, with a variance of their own.",
            citation="Friedman, Ann. Stat. 29:1189 (2001); Ke et al., NeurIPS 2017; Smyth, J. R. Stat. Soc. B 51:47 "
            "(1989) (variance)",
        ),
        "gc_linear": Component(
            "regharness_baselines.models:GCLinear",
            parameters="regharness:Parameters",
            summary="Least squares on GC content, with the variance of its prediction.",
        ),
        "mean": Component(
            "regharness_baselines.models:TrainingMean",
            parameters="regharness:Parameters",
            summary="Mean and variance of the training targets, whatever the sequence.",
        ),
    }
