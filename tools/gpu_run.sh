#!/usr/bin/env bash
# ./run gpu: everything that only a GPU can show, in one go and within nine minutes on 16 cores: build, every op case on every cuda
# row against ref, conformance of the emulator, parity of the small networks, ten training steps recorded, kernel by kernel and by NCCL, the benchmark,
# compute-sanitizer on small cases, PyTorch beside it. A stage that fails stops no later one; what could not be run is said with the reason.
# Results: $OUT/gpu.json, gpu.md and gpu.log (OUT defaults to docs/measured), and the benchmark's own files.
set -uo pipefail
cd "$(dirname "$0")/.."
OUT=${OUT:-docs/measured}
build=${KINTSUGI_GPU_BUILD:-build-gpu}
cores=$(nproc)
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
log=$OUT/gpu.log
: >"$log"
names=() states=() reasons=() seconds=()
started=$SECONDS

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
note() { names+=("$1") states+=("$2") reasons+=("$3") seconds+=("$4"); say "$1: $2${3:+ ($3)}"; }
escaped() { printf '%s' "$1" | tr '\n\t' '  ' | sed 's/\\/\\\\/g; s/"/\\"/g'; }

# stage NAME LIMIT COMMAND...: runs with a time limit, and not beyond the whole run's; the last line that the command prints is kept as
# its reason.
whole=${KINTSUGI_GPU_SECONDS:-530}
stage() {
  local name=$1 limit=$2 begin=$SECONDS code=0 out last left=$((whole - (SECONDS - started)))
  shift 2
  if [ $left -lt 5 ]; then
    note "$name" "not run" "the $whole s of the whole run are spent" 0
    return 1
  fi
  [ $left -lt "$limit" ] && limit=$left
  printf '\n######## %s: %s\n' "$name" "$*" >>"$log"
  out=$(mktemp)
  timeout "$limit" "$@" >"$out" 2>&1 || code=$?
  cat "$out" >>"$log"
  last=$(grep -v '^[[:space:]]*$' "$out" | tail -n 1 | cut -c1-300)
  rm -f "$out"
  case $code in
    0) note "$name" passed "$last" $((SECONDS - begin)); return 0 ;;
    124) note "$name" failed "did not end within $limit s" $((SECONDS - begin)) ;;
    *) note "$name" failed "exit $code: $last" $((SECONDS - begin)) ;;
  esac
  return 1
}
skip() { note "$1" "not run" "$2" 0; }

finish() {
  local i failed=0 comma
  {
    printf '{\n  "date": "%s",\n  "commit": "%s",\n  "gpu": "%s",\n  "driver": "%s",\n  "nvcc": "%s",\n  "cores": %d,\n  "seconds": %d,\n  "stages": [\n' \
      "$(date -u +%FT%TZ)" "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)" "$(escaped "$gpu")" "$(escaped "$driver")" "$(escaped "$nvcc")" "$cores" \
      $((SECONDS - started))
    for i in "${!names[@]}"; do
      comma=,
      [ "$i" -eq $((${#names[@]} - 1)) ] && comma=
      printf '    {"stage": "%s", "state": "%s", "seconds": %d, "says": "%s"}%s\n' "${names[i]}" "${states[i]}" "${seconds[i]}" "$(escaped "${reasons[i]}")" "$comma"
    done
    printf '  ]\n}\n'
  } >"$OUT/gpu.json"
  {
    printf '# ./run gpu, %s\n\nGPU: %s. Driver: %s. nvcc: %s. %d cores, %d s in all.\n\n| stage | state | s | says |\n|---|---|---|---|\n' \
      "$(date -u +%F)" "$gpu" "$driver" "$nvcc" "$cores" $((SECONDS - started))
    for i in "${!names[@]}"; do printf '| %s | %s | %d | %s |\n' "${names[i]}" "${states[i]}" "${seconds[i]}" "${reasons[i]//|/\\|}"; done
  } >"$OUT/gpu.md"
  for i in "${!names[@]}"; do [ "${states[i]}" = failed ] && failed=1; done
  cat "$OUT/gpu.md" >&2
  say "written: $OUT/gpu.json, gpu.md, gpu.log"
  exit $failed
}

gpu="none" driver="none" nvcc="none" capability=
if command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q '^GPU 0'; then
  gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader -i 0)
  driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader -i 0)
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader -i 0 | tr -d .)
  nvidia-smi >>"$log" 2>&1
fi
command -v nvcc >/dev/null && nvcc=$(nvcc --version | grep -o 'release [0-9.]*' | cut -d' ' -f2)

stages=(build resources "op cases" conformance parity gradcheck "ten steps" nccl bench "bench bf16" memcheck racecheck pytorch)
if [ "$gpu" = none ] || [ "$nvcc" = none ]; then
  why="no GPU"
  [ "$gpu" = none ] || why="no nvcc"
  for s in "${stages[@]}"; do skip "$s" "$why"; done
  finish
fi

architecture=$capability
[ "$capability" = 90 ] && architecture=90a
build_all() {
  local prefix=()
  [ -d gpu-pack/usr ] && prefix=(-DCMAKE_PREFIX_PATH="$PWD/gpu-pack/usr")
  local generator=()
  command -v ninja >/dev/null && generator=(-G Ninja)
  [ -f "$build/CMakeCache.txt" ] ||
    cmake -S . -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CUDA_ARCHITECTURES="$architecture" "${prefix[@]}" || return 1
  cmake --build "$build" -j "$cores" --target kintsugi kintsugi_tests && "$build/kintsugi" --version
}
export -f build_all
export build cores architecture
if ! stage build 290 bash -c build_all; then
  for s in "${stages[@]:1}"; do skip "$s" "the build failed"; done
  finish
fi

program=$build/kintsugi tests=$build/kintsugi_tests
has_tests() { "$tests" --list-test-cases -tc="$1" 2>/dev/null | grep -q "^$2"; }

stage resources 20 "$program" kernels --resources
KINTSUGI_TEST_DEVICE=cuda stage "op cases" 90 "$tests" -tc='op cases,*summary*'
if has_tests '*conformance*' ''; then stage conformance 40 "$tests" -tc='*conformance*'
else skip conformance "no test of that name in this build"; fi

stage parity 60 "$program" parity tests/golden --device cuda --only 'tiny_*' --failures --json "$OUT/gpu-parity.json"
stage gradcheck 40 "$program" gradcheck all --device cuda

# The same ten steps of each stage, twice recorded and once kernel by kernel: the weights must be the same bits. Rates are of the last five.
ten_steps() {
  local out first second plain
  out=$(mktemp -d)
  for run in a b plain; do
    "$program" train apps/recipes/demo.toml --device cuda --set out="$out/$run" --set stage1.steps=10 --set stage2.steps=10 --set stage3.steps=10 \
      --set data.identities=32 --set data.validation=2 --set watch.window=5 --set record=$([ $run = plain ] && echo off || echo on) --json \
      >"$out/$run.json" 2>"$out/$run.err" || { cat "$out/$run.json" "$out/$run.err"; return 1; }
    grep 'recorded' "$out/$run.err"
    [ $run = plain ] || [ "$(grep -c 'a step is recorded' "$out/$run.err")" -ge 3 ] || { echo "a stage was not recorded"; return 1; }
    echo "run $run, images/s of each stage: $(grep '"step":9' "$out/$run/metrics.jsonl" | grep -o '"images_per_second":[0-9.e+]*' | cut -d: -f2 | tr '\n' ' ')"
  done
  first=$(grep '"hash"' "$out/a.json") second=$(grep '"hash"' "$out/b.json") plain=$(grep '"hash"' "$out/plain.json")
  rm -rf "$out"
  echo "recorded: $first and $second, kernel by kernel: $plain"
  [ "$first" = "$second" ] && [ "$first" = "$plain" ]
}
export -f ten_steps
export program
stage "ten steps" 130 bash -c ten_steps

# The same steps as one rank of NCCL: found beside PyTorch where the system has none.
nccl_steps() {
  local out folder
  folder=$(python3 -c 'import nvidia.nccl, os; print(os.path.join(list(nvidia.nccl.__path__)[0], "lib"))' 2>/dev/null)
  export LD_LIBRARY_PATH=${folder:+$folder:}${LD_LIBRARY_PATH:-}
  "$tests" -tc='communicator: NCCL*' || return 1
  out=$(mktemp -d)
  RANK=0 WORLD_SIZE=1 LOCAL_RANK=0 MASTER_ADDR=localhost MASTER_PORT=29571 "$program" -q train apps/recipes/demo.toml --device cuda --communicator nccl \
    --set out="$out/run" --set stage1.steps=10 --set stage2.steps=10 --set stage3.steps=10 --set data.identities=32 --set data.validation=2 --json >"$out/json" ||
    { cat "$out/json"; return 1; }
  grep '"hash"' "$out/json"
  rm -rf "$out"
}
export -f nccl_steps
export tests
stage nccl 60 bash -c nccl_steps

if "$program" bench --help >/dev/null 2>&1; then
  stage bench 80 "$program" bench --device cuda --seconds 0.03 --json "$OUT/gpu-bench.json" --csv "$OUT/gpu-bench.csv" --svg "$OUT/gpu-bench.svg" \
    --tune "$OUT/gpu-tuned.json"
  stage "bench bf16" 60 "$program" bench --device cuda --dtype bf16 --seconds 0.03 --json "$OUT/gpu-bench-bf16.json" --csv "$OUT/gpu-bench-bf16.csv" \
    --svg "$OUT/gpu-bench-bf16.svg"
else
  skip bench "this build has no bench command"
  skip "bench bf16" "this build has no bench command"
fi

for tool in memcheck racecheck; do
  if command -v compute-sanitizer >/dev/null; then
    KINTSUGI_TEST_DEVICE=cuda KINTSUGI_TEST_SMALL=1 stage $tool 60 compute-sanitizer --tool $tool --error-exitcode 9 "$tests" -tc='op cases'
  else
    skip $tool "compute-sanitizer is not installed"
  fi
done

python=
for candidate in python3 python; do
  command -v $candidate >/dev/null && $candidate -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null && python=$candidate && break
done
if [ -z "$python" ]; then skip pytorch "no Python with a PyTorch that sees the GPU"
else stage pytorch 120 $python tests/yardstick/gpu.py --out "$OUT/gpu-pytorch.json" --budget 70; fi

finish
