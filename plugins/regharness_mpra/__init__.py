"""Real reporter-assay data: any table, and published data sets that are downloaded and checked."""

from typing import TYPE_CHECKING

from regharness import Component, hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def regharness_data_generators() -> dict[str, Component]:
    """Offer the readers."""
    return {
        "mpra_table": Component(
            "regharness_mpra.table:MPRATable",
            parameters="regharness_mpra.parameters:MPRATableParameters",
            summary="Any TSV, CSV or Parquet table of sequences and measurements.",
        ),
        "crx_retina": Component(
            "regharness_mpra.crx_retina:CrxRetina",
            parameters="regharness_mpra.parameters:CrxRetinaParameters",
            summary="Photoreceptor elements, wild type and mutant, in mouse retina (164 bp).",
            citation="Friedman et al., eLife 10:e67403 (2021)",
        ),
        "yeast_native": Component(
            "regharness_mpra.yeast_native:YeastNative",
            parameters="regharness_mpra.parameters:YeastNativeParameters",
            summary="Yeast expression of native and random promoter fragments (120 bp).",
            citation="de Boer et al., Nature Biotechnology 38:56 (2020), as packaged by ExpressYeaself",
        ),
        "esc_cis_trans": Component(
            "regharness_mpra.esc_cis_trans:EscCisTrans",
            parameters="regharness_mpra.parameters:EscCisTransParameters",
            summary="Orthologous human and mouse start sites in human and mouse stem cells (144 bp).",
            citation="Mattioli et al., Genome Biology 21:210 (2020)",
        ),
        "satmut": Component(
            "regharness_mpra.satmut:Satmut",
            parameters="regharness_mpra.parameters:SatmutParameters",
            summary="Effects of every single-base change of 21 disease-associated elements (187-601 bp).",
            citation="Kircher et al., Nature Communications 10:3583 (2019)",
        ),
    }


@hookimpl
def regharness_model_adapters() -> dict[str, Component]:
    """Offer ``variant_effect``."""
    return {
        "variant_effect": Component(
            "regharness_mpra.variant_effect:VariantEffect",
            parameters="regharness_mpra.parameters:VariantEffectParameters",
            summary="What any model predicts of a variant less what it predicts of the reference.",
            citation="Zhou & Troyanskaya, Nature Methods 12:931 (2015)",
        )
    }


@hookimpl
def regharness_commands(cli: "click.Group") -> None:
    """Add ``regharness data``."""
    from regharness_mpra.commands import data

    cli.add_command(data)
