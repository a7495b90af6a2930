"""Own the names of dimensions, coordinates and variables in cubes and scores. Computes nothing."""

MODEL = "model"
SHIFT = "shift"
SEED = "seed"
EXAMPLE = "example"
OUTPUT = "output"
QUANTILE = "quantile"
MEMBER = "member"
BLOCK = "block"
TASK = "task"

MEAN = "mean"
ALEATORIC = "aleatoric_variance"
EPISTEMIC = "epistemic_variance"
QUANTILES = "quantiles"
VARIANCE = "variance"
MEMBERS = "members"
MEMBER_VARIANCE = "member_variance"
TARGET = "target"
NOISE_VARIANCE = "noise_variance"
TRUTH = "truth"
COVARIATE = "covariate_"
"""Before the name of a covariate of the examples."""
EXAMPLE_ID = "example_id"
N_EXAMPLES = "n_examples"
STATUS = "status"
KEY = "key"

SHIFT_OPERATOR = "shift_operator"
SEVERITY = "severity"
GC_MOVED = "gc_moved"
EFFECTIVE_SIZE = "effective_sample_size"
ORACLE_CORRELATION = "oracle_correlation"
TARGET_SD = "target_sd"
NOISE_SD = "noise_sd"

IDENTITY = "identity"

CELL = (MODEL, SHIFT, SEED)
PREDICTED = (MODEL, SHIFT, SEED, EXAMPLE, OUTPUT)
QUANTILED = (*PREDICTED, QUANTILE)
MEASURED = (SHIFT, SEED, EXAMPLE, OUTPUT)

MISSING, DONE, FAILED = 0, 1, 2
STATUS_MEANINGS = "missing done failed"
# In scores, a task x model x shift x seed that the spec does not ask for.
ABSENT = -1
