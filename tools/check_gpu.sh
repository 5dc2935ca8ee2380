#!/bin/sh
# On a machine with a GPU, in about five minutes: the tests that nets take part in, with
# nets on the device, and the timings of benchmarks/gpu.py. Logs, with the name of the
# card, go to the folder given, or to benchmarks/gpu.
#
#     tools/check_gpu.sh [FOLDER]
#
# PYTHON is the interpreter: one with a CUDA build of PyTorch and the extra "test".
# TESTS_LIMIT and TIMINGS_LIMIT are seconds that each part may take.
cd "$(dirname "$0")/.." || exit 2
out=${1:-benchmarks/gpu}
python=${PYTHON:-python3}
mkdir -p "$out" || exit 2
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"

"$python" - > "$out/machine.txt" <<'CARD' || { cat "$out/machine.txt"; exit 2; }
import platform

import torch

if not torch.cuda.is_available():
    raise SystemExit("PyTorch finds no CUDA device.")
print(torch.cuda.get_device_name(), "CUDA", torch.version.cuda)
print("torch", torch.__version__, "Python", platform.python_version())
CARD
cat "$out/machine.txt"

failed=0
# The shortest and most telling first, so that a limit cuts the rest.
DEVICE=cuda OMP_NUM_THREADS=1 timeout "${TESTS_LIMIT:-190}" "$python" -m pytest -q \
    -m "not slow" -p no:cacheprovider --tb=short \
    tests/training tests/common/pytorch tests/nets tests/classifiers \
    tests/combining tests/saving tests/test_threads.py \
    > "$out/tests.txt" 2>&1 || failed=1
tail -n 40 "$out/tests.txt"

(cd benchmarks && timeout "${TIMINGS_LIMIT:-100}" "$python" gpu.py) \
    > "$out/timings.txt" 2>&1 || failed=1
cat "$out/timings.txt"
exit $failed
