"""What the metrics plugin offers."""

import subprocess
import sys

import pytest

from regharness.catalog import load_catalog

CATALOG = load_catalog()
OFFERED = [name for name in CATALOG.names("metric") if CATALOG.owner("metric", name).name == "regharness_metrics"]
LEVELS = range(5, 100, 5)


def test_plugin_offers_the_names_of_the_contract():
    assert set(OFFERED) == {
        *[
            "mse",
            "affine_mse",
            "rmse",
            "mae",
            "medae",
            "max_abs_error",
            "bias",
            "r2",
            "pearson_r",
            "spearman_rho",
            "ccc",
            "nll",
            "crps",
        ],
        *["z_mean", "z_mean_square", "z_var", "sharpness", "dispersion", "spread_skill"],
        *["aurc", "aurc_abs", "aurc_oracle", "e_aurc", "e_aurc_abs", "augrc", "augrc_abs", "spearman_error_sigma"],
        *["ence", "miscalibration_area", "calibration_error_kuleshov", "degradation", "worst_shift"],
        *["pinball", "wis"],
        *["ood_auroc", "ood_aupr", "ood_fpr95"],
        *["mce", "relative_mce", "effective_robustness", "severity_auc", "severity_curve", "coverage_gap"],
        *["selective_gain", "variant_sign_accuracy", "variant_auroc", "variant_pearson_r", "variant_spearman_rho"],
        *["pit_mean", "pit_var", "pit_ks", "pit_cvm", "pit_chi2", "pit_histogram"],
        *["calibration_curve", "interval_calibration_curve", "miscalibration_area_interval", "ence_reference"],
        *["aurg", "prr", "prr_abs", "ause", "risk_coverage_curve"],
        *["crps_ensemble", "crps_fair", "crps_mixture"],
        *["excess_risk", "deconvolved_r2", "deconvolved_pearson_r", "noise_z_mean_square"],
        *["regret_at_k", "enrichment_at_k", "automated_fraction", "automated_risk", "within_group"],
        *(f"coverage_{percent}" for percent in LEVELS),
        *(f"mean_width_{percent}" for percent in LEVELS),
        *(f"interval_score_{percent}" for percent in (50, 80, 90, 95)),
        *(f"selective_risk_{percent}" for percent in (50, 70, 80, 90, 95)),
    }


def test_default_set_holds_thirteen_metrics():
    assert {name for name in OFFERED if CATALOG.component("metric", name).default} == {
        *["mse", "pearson_r", "spearman_rho", "r2", "nll", "crps", "coverage_50", "coverage_90", "coverage_95"],
        *["mean_width_90", "z_mean_square", "aurc", "e_aurc"],
    }


@pytest.mark.parametrize("name", OFFERED)
def test_metric_states_a_direction(name):
    metric = CATALOG.create("metric", name)

    if metric.direction is None:
        assert metric.dimension
    else:
        assert metric.direction in ("lower", "higher") or 0 <= float(metric.direction) <= 1


@pytest.mark.parametrize("percent", LEVELS)
def test_target_value_of_coverage_is_its_level(percent):
    assert CATALOG.create("metric", f"coverage_{percent}").direction == percent / 100


@pytest.mark.parametrize("name", OFFERED)
def test_metric_documents_its_direction_and_needs(name):
    documentation = type(CATALOG.create("metric", name)).__doc__

    assert "Direction: " in documentation
    assert "Needs: " in documentation or hasattr(CATALOG.create("metric", name), "compare")


def test_registration_imports_no_numpy():
    code = "import sys, regharness_metrics as m; m.regharness_metrics(); assert 'numpy' not in sys.modules"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
