#!/usr/bin/env bash
# Kills training at random moments and goes on with it by --resume auto, on another
# number of threads each time, until it comes to its end; then its model and its
# last state have to be those of a run that was not killed, byte for byte, and no
# checkpoint may have been lost on the way.
#
#   scripts/kill.sh [KILLS [FLAG ...]]
#
# KILLS (200) are shared out among the models; further flags are for every run, such
# as --ema 0.999 --schedule cosine --clip-norm 1. MODELS names the models, SEED is
# that of the moments, WORK the directory of the runs (a temporary one).
set -euo pipefail
cd "$(dirname "$0")/.."
kills=${1:-200}
shift $(($# > 0 ? 1 : 0))
read -r -a models <<<"${MODELS:-fc12 conv vae aae}"
RANDOM=${SEED:-1}
work=${WORK:-$(mktemp -d)}
[ -n "${WORK:-}" ] || trap 'rm -rf "$work"' EXIT
go build -o "$work/train" ./cmd/train

# run becomes the process that trains model $1 in directory $2, with the other
# arguments too.
run() {
  local model=$1 out=$2
  shift 2
  exec "$work/train" --model "$model" --device cpu --limit 1500 --val 200 --test-limit 100 --epochs 4 \
    --save-every 30ms --out "$out" "$@"
}

now() { echo $(($(date +%s%N) / 1000000)); }

# stepOf is the step that a log says a run goes on from, nothing where it starts.
stepOf() { sed -n 's/^the run in .* goes on from step \([0-9]*\),.*/\1/p' "$1"; }

# same says whether the files of a run are those of the whole one.
same() { cmp -s "$1/model.safetensors" "$2/model.safetensors" && cmp -s "$1/last.safetensors" "$2/last.safetensors"; }

failed=0
printf '%-8s %6s %7s %5s %5s  %s\n' model kills resumes runs lost 'bytes of model and state'
for at in "${!models[@]}"; do
  model=${models[$at]} dir=$work/${models[$at]}
  share=$((kills / ${#models[@]} + (at < kills % ${#models[@]})))
  mkdir -p "$dir"
  start=$(now)
  (run "$model" "$dir/whole" "$@" 2>"$dir/log") || { cat "$dir/log"; exit 1; }
  took=$(($(now) - start))
  killed=0 resumes=0 runs=0 lost=0 others=0
  while [ "$killed" -lt "$share" ]; do
    runs=$((runs + 1)) before=-1 out=$dir/killed
    rm -rf "$out"
    while true; do
      run "$model" "$out" --resume auto --threads $((1 + RANDOM % 2)) "$@" 2>"$dir/log" &
      child=$!
      if [ "$killed" -lt "$share" ]; then
        sleep "$(printf '%d.%03d' $((moment = RANDOM * took / 32768, moment / 1000)) $((moment % 1000)))"
        kill -KILL "$child" 2>/dev/null || true
      fi
      status=0
      wait "$child" 2>/dev/null || status=$?
      step=$(stepOf "$dir/log")
      [ -z "$step" ] || resumes=$((resumes + 1))
      if [ -n "$step" ] && [ "$step" -lt "$before" ] || grep -q '^no checkpoint' "$dir/log" && [ "$before" -ge 0 ]; then
        lost=$((lost + 1))
      fi
      [ -z "$step" ] || before=$step
      case $status in
      0) break ;;
      137) killed=$((killed + 1)) ;;
      *) cat "$dir/log"; exit 1 ;;
      esac
    done
    same "$out" "$dir/whole" || others=$((others + 1))
  done
  said='the same in every run'
  [ "$others" -eq 0 ] || said="others in $others of $runs runs"
  printf '%-8s %6d %7d %5d %5d  %s\n' "$model" "$killed" "$resumes" "$runs" "$lost" "$said"
  [ "$((others + lost))" -eq 0 ] || failed=1
done
exit "$failed"
