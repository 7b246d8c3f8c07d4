#!/usr/bin/env bash
# The first hour on a machine with a GPU, in under ten minutes: does it compute what it should, how
# fast, and what is it? All that is printed is kept in a folder, which is the argument or
# gpu-first-run; send it along with a report. From a checkout, after: pip install -e '.[cuda12,test]'
set -uo pipefail
out=$(realpath -m "${1:-gpu-first-run}")
cd "$(dirname "$0")/.."
mkdir -p "$out"
python=${PYTHON:-python}
export CUPY_TF32=0
failed=()

# keep NAME SECONDS COMMAND...: its output in a file, and whether it failed or took too long
keep() {
    local name=$1 seconds=$2 began=$SECONDS status
    shift 2
    printf '== %s\n' "$name"
    timeout "$seconds" "$@" > "$out/$name.txt" 2>&1
    status=$?
    [ $status = 0 ] || failed+=("$name (status $status)")
    printf '   status %s after %s s; %s\n' $status $((SECONDS - began)) "$out/$name.txt"
    tail -n 1 "$out/$name.txt"
}

keep machine 20 nvidia-smi -q
keep packages 20 "$python" -m pip list
keep doctor 40 "$python" -m minigan doctor
# what the CPU has shown already, now on the GPU: kernels, every operation, captured steps
keep kernels 60 "$python" -m pytest -q -m gpu tests/backend
keep operations 80 "$python" -m pytest -q -m gpu tests/gpu/test_gpu_parity.py
keep moves 50 "$python" -m pytest -q -m gpu tests/gpu/test_gpu_moves.py tests/gpu/test_gpu_checks.py
keep training 100 "$python" -m pytest -q -m gpu tests/gpu/test_gpu_training.py tests/gpu/test_gpu_games.py
if command -v compute-sanitizer > /dev/null; then  # it comes with the CUDA toolkit, not with CuPy
    keep sanitizer 50 compute-sanitizer --error-exitcode 1 "$python" -m pytest -q -m gpu \
        tests/backend -k "batch_norm or assigned"
fi
# the figures of docs/gpu.md
keep benchmark 90 "$python" examples/benchmark.py mlp128 dcgan --device cuda --markdown
keep train 60 "$python" -m minigan train digits --steps 2000 --device cuda --out "$out/run"

printf '\nkept in %s, after %s s\n' "$out" "$SECONDS"
if [ ${#failed[@]} -gt 0 ]; then
    printf 'failed: %s\n' "${failed[@]}"
    exit 1
fi
